// The beginning of a visit.

#include "gateway/shell/visit.h"

#include "lib/base/check.h"

#include <stdlib.h>
#include <string.h>

struct visit_head *visit_new(const struct visit_kind *kind, const struct gateway *gateway,
                             struct http_request *request, struct query *out_query)
{
    CHECK(sizeof(struct visit_head) <= kind->zeroed && kind->zeroed <= kind->size);
    char fault[QUERY_FAULT_LEN];
    err e = query_read(request->query, kind->allowed, out_query, fault);
    if (e != OK) {
        kind->refuse(gateway, request, e, slice_of_text(fault));
        return NULL;
    }
    struct visit_head *visit = malloc(kind->size);
    if (visit == NULL) {
        kind->refuse(gateway, request, ERR_NO_MEMORY, (struct slice){0});
        return NULL;
    }
    memset(visit, 0, kind->zeroed);
    visit->ask = (struct ask){.kind = ASK_MSG, .done = kind->done, .question = &visit->question};
    visit->gateway = gateway;
    visit->request = request;
    return visit;
}
