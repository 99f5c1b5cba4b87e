// Four members.

#include "gateway/hooks/core/notice.h"

#include "gateway/core/answer.h"

enum { FRAME_LEN = 256, ESCAPED_LEN = 6 };

size_t notice_room(const struct notice *notice)
{
    return FRAME_LEN + ESCAPED_LEN * (notice->event.len + notice->traceparent.len) +
           notice->data.len;
}

void notice_put(struct out *out, const struct notice *notice)
{
    out_open_object(out);
    out_put_text(out, "type", notice->event);
    answer_put_moment(out, "timestamp", notice->at);
    out_name(out, slice_of_text("data"));
    out_raw(out, notice->data.len > 0 ? notice->data : slice_of_text("{}"));
    if (notice->traceparent.len > 0)
        out_put_text(out, "traceparent", notice->traceparent);
    out_close(out);
}
