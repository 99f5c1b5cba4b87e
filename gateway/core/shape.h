#pragma once

// What a body was meant as that is not what is taken here: a sentence that says where that goes, or how
// it is said. Looked at when reading it has failed; NULL: it is like nothing that is known. Pure.

#include "gateway/core/doc.h"

// Where one job is taken.
const char *shape_of_job(struct doc_value body);
// Where an array of jobs is taken.
const char *shape_of_array(struct slice body);
// Where a job a line is taken: of a line.
const char *shape_of_line(struct slice line);

// A member that no job has, of a body where one job is taken.
const char *shape_of_member(const struct doc_member *member);
