#include "cli/ready.h"

#include "tests/support/test.h"

static struct slice line(const char *text)
{
    return slice_of_text(text);
}

TEST(ready, line_begins_with_the_word)
{
    EXPECT(ready_is_line(line("ready zmq=tcp://127.0.0.1:7400")));
    EXPECT(ready_is_line(line("ready")));
    EXPECT(!ready_is_line(line("")));
    EXPECT(!ready_is_line(line(" ready")));
    EXPECT(!ready_is_line(line("readyness zmq=1")));
    EXPECT(!ready_is_line(line("not ready")));
}

TEST(ready, value_ends_at_the_next_blank)
{
    struct slice value;
    EXPECT(ready_value(line("ready zmq=tcp://a:1 pub=tcp://b:2"), "zmq", &value));
    EXPECT(slice_is_text(value, "tcp://a:1"));
    EXPECT(ready_value(line("ready zmq=tcp://a:1  pub=tcp://b:2"), "pub", &value));
    EXPECT(slice_is_text(value, "tcp://b:2"));
    EXPECT(ready_value(line("ready zmq= pub=x"), "zmq", &value));
    EXPECT_EQ(value.len, 0);
}

TEST(ready, a_missing_name_leaves_the_value_alone)
{
    struct slice value = line("kept");
    EXPECT(!ready_value(line("ready xzmq=1 zmqx=2 zmq"), "zmq", &value));
    EXPECT(!ready_value(line(""), "zmq", &value));
    EXPECT(slice_is_text(value, "kept"));
}
