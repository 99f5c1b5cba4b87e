#pragma once

// The HTTP door: which paths there are and who answers them.

#include "lib/base/err.h"

struct gateway;

// Opens the door of `gateway`, whose other parts are there already, and sets gateway->http.
//   ERR_BAD_FIELD, ERR_ADDRESS_IN_USE, ERR_SYSTEM as http_open()
MUST_USE err door_open(struct gateway *gateway);
