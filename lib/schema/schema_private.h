#pragma once

// Shared by the files of lib/schema. A schema is compiled in three walks: each subschema becomes a
// node and is told its URIs (schema_walk.c), each keyword of a node becomes a rule (schema_build.c,
// schema_rule_*.c, where also its check is), and rules that would lead in a circle are refused
// (schema_circle.c). A check runs the rules of the root node on the value, and theirs on its parts.

#include "lib/schema/schema.h"

#include <jansson.h>

struct keyword;
struct node;
struct rule;

enum type_bit {
    TYPE_NULL = 1u << 0,
    TYPE_BOOLEAN = 1u << 1,
    TYPE_OBJECT = 1u << 2,
    TYPE_ARRAY = 1u << 3,
    TYPE_NUMBER = 1u << 4,
    TYPE_STRING = 1u << 5,
    TYPE_INTEGER = 1u << 6, // with TYPE_NUMBER: every integer is one, and so is 1.0
    TYPE_ANY = 0x7f,
};

enum draft_bit { DRAFT_7 = 1u << 0, DRAFT_2020 = 1u << 1, DRAFT_ALL = 3 };

// ---- memory that lives as long as its schema (schema_room.c)

struct room {
    struct room_piece *pieces;
};

// Zeroed and aligned for any type; NULL when there is no memory. Never resized, freed all at once.
void *schema_room_take(struct room *room, size_t count, size_t size);
void schema_room_deinit(struct room *room);

// ---- what a check may still spend

struct budget {
    uint64_t steps_left;
};

// False when that is more than is left; then nothing is left.
static inline bool budget_spend(struct budget *budget, uint64_t steps)
{
    if (budget->steps_left < steps) {
        budget->steps_left = 0;
        return false;
    }
    budget->steps_left -= steps;
    return true;
}

// ---- the compiled form

struct node {
    json_t *json;                // an object or a boolean; the schema's document keeps it
    const struct node *parent;   // NULL at the root
    const struct keyword *under; // the parent's keyword that holds this node
    const char *key;             // its name or, when NULL, `index`, if that keyword holds several
    uint32_t index;
    uint32_t number;    // among all nodes
    uint32_t resource;  // among the resources: what lies below one $id
    bool is_many;       // the keyword holds several
    bool is_never;      // the schema `false`
    bool gathers_names; // has unevaluatedProperties
    bool gathers_items; // has unevaluatedItems
    uint32_t rule_count;
    struct rule *rules;
};

struct resource {
    const char *uri; // absolute, without fragment; empty for a document without $id
    struct node *root;
};

struct anchor {
    const char *name;
    struct node *node;
    bool is_dynamic;
};

// Names of members, sorted by length and bytes.
struct name {
    const char *text;
    size_t len;
    const struct node *node; // NULL: no subschema of its own
    bool is_required;
};

struct pattern {
    const struct regex *regex;
    const struct node *node;
};

struct members {
    struct name *names;
    uint32_t name_count;
    uint32_t pattern_count;
    struct pattern *patterns;
    const struct node *rest; // additionalProperties
    json_t *required;
    uint32_t required_count;
};

struct elements {
    const struct node **first; // prefixItems
    uint32_t first_count;
    const struct node *rest; // items
};

struct dependency {
    const char *name;
    json_t *names;           // these must be there too
    const struct node *node; // or: this holds too
};

struct number {
    bool is_real;
    int64_t integer;
    double real;
};

// A number as digits * 10^exponent; the sign is of no interest.
struct decimal {
    uint64_t digits;
    int exponent;
};

struct check;
struct frame;
typedef bool rule_check(struct check *check, const struct rule *rule, const struct frame *frame);

struct rule {
    rule_check *check;
    const char *keyword;
    uint32_t applies; // type bits: it says nothing about values of other types
    uint32_t count;
    union {
        uint64_t limit;
        uint32_t types;
        struct number number;
        struct decimal decimal;
        json_t *value;
        const struct node *node;
        const struct node **nodes;
        const struct members *members;
        const struct elements *elements;
        const struct dependency *dependencies;
        const struct regex *regex;
        struct {
            const struct node *node;
            uint64_t least, most;
        } contains;
        struct {
            const struct node *condition, *then, *otherwise;
        } branch;
        struct {
            const struct node *node;     // where it leads at first
            const struct node **dynamic; // `count` nodes with that $dynamicAnchor
        } reference;
    };
};

struct schema {
    struct slice text; // what it was compiled from, in its room
    json_t *document;
    struct room room;
    struct node *root;
    struct regex *regexes; // a list
};

// ---- compiling

struct edge {
    uint32_t from, to;
};

struct compiler {
    struct schema *schema;
    struct schema_fault *fault;
    err error; // sticks: the first one counts
    enum draft_bit draft;
    uint32_t node_count, resource_count, anchor_count, edge_count;
    uint32_t pattern_count;
    size_t pattern_bytes;
    struct node *nodes[SCHEMA_NODES_MAX];
    struct resource resources[SCHEMA_NODES_MAX];
    struct anchor anchors[2 * SCHEMA_NODES_MAX];
    struct edge edges[3 * SCHEMA_NODES_MAX]; // from a node to one that judges the same value
    struct node *sorted[SCHEMA_NODES_MAX];   // by parent, keyword and key
};

// A place in the schema: below a node's keyword the member `key` or, with is_many, the item `index`.
struct place {
    const struct node *node;
    const char *keyword; // NULL: the node itself
    const char *key;
    bool is_item;
    size_t index;
};

enum holds {
    HOLDS_NOTHING,
    HOLDS_ONE,
    HOLDS_LIST,
    HOLDS_MAP,
    HOLDS_ONE_OR_LIST,
    HOLDS_DEPENDENCIES
};

struct keyword {
    const char *name;
    enum draft_bit drafts;
    enum holds holds;
    uint32_t applies;
    // Adds the rule, or none, of this keyword's value; errors stick. NULL: nothing to be checked.
    void (*build)(struct compiler *compiler, struct node *node, json_t *value, struct rule *rule);
};

// The table, in the order in which rules are checked; unevaluated* last.
extern const struct keyword schema_keywords[];
extern const uint32_t schema_keyword_count;
// The draft that a $schema names; 0 when it is none of those taken here.
uint32_t schema_keyword_draft(const char *uri);
// NULL: not one of them in this draft.
const struct keyword *schema_keyword_find(enum draft_bit draft, const char *name);

// Always false, so that a caller can return it.
bool schema_fault_at(struct compiler *compiler, err error, const struct place *place,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

// Fills nodes, resources and anchors. False after a fault.
bool schema_walk(struct compiler *compiler);
// The node that is held there, or NULL.
struct node *schema_walk_child(struct compiler *compiler, const struct node *parent,
                               const struct keyword *keyword, const char *key, size_t index);
// Makes the rules of all nodes. False after a fault.
bool schema_build(struct compiler *compiler);
// The node that `reference` in `node` leads to; NULL after a fault at its keyword.
// `out_anchor` is the anchor it named, or NULL.
struct node *schema_refer(struct compiler *compiler, const struct place *place,
                          const char *reference, const struct anchor **out_anchor);
// Notes that `to` judges the same value as `from`.
void schema_circle_edge(struct compiler *compiler, const struct node *from, const struct node *to);
// False, with a fault, when a node leads back to itself without going into the value.
bool schema_circle_free(struct compiler *compiler);
// Compiles a pattern, counts it against the caps; NULL after a fault.
const struct regex *schema_build_regex(struct compiler *compiler, const struct place *place,
                                       const char *text, size_t len);

// A count; 0 after a fault.
uint64_t schema_build_count(struct compiler *compiler, const struct node *node, json_t *value,
                            const struct rule *rule);

typedef void keyword_build(struct compiler *compiler, struct node *node, json_t *value,
                           struct rule *rule);
keyword_build schema_rule_type, schema_rule_enum, schema_rule_const, schema_rule_minimum,
    schema_rule_maximum, schema_rule_exclusive_minimum, schema_rule_exclusive_maximum,
    schema_rule_multiple_of, schema_rule_min_length, schema_rule_max_length, schema_rule_pattern;
keyword_build schema_rule_members, schema_rule_min_properties, schema_rule_max_properties,
    schema_rule_property_names, schema_rule_dependencies, schema_rule_unevaluated_properties;
keyword_build schema_rule_elements, schema_rule_min_items, schema_rule_max_items,
    schema_rule_unique_items, schema_rule_contains, schema_rule_unevaluated_items;
keyword_build schema_rule_all_of, schema_rule_any_of, schema_rule_one_of, schema_rule_not,
    schema_rule_if, schema_rule_ref, schema_rule_dynamic_ref;

// ---- reading

// The JSON that MessagePack stands for, to be released; NULL, and why, when there is none.
json_t *schema_packed_read(struct slice bytes, const char **out_why);

// ---- checking

// A place in the value.
struct spot {
    const struct spot *up;
    json_t *value;
    uint32_t types;
    const char *key; // NULL: an item
    size_t index;
};

// The resources that are being checked in, innermost first: what a $dynamicRef looks through.
struct scope {
    const struct scope *up;
    uint32_t resource;
};

// Which members or items of one value have been judged (schema_marks.c).
struct marks {
    size_t count;
    uint64_t *bits;
    uint64_t few; // the bits themselves, while they are no more
};

// False when there is no memory.
bool schema_marks_init(struct marks *marks, size_t count);
void schema_marks_deinit(struct marks *marks);
void schema_marks_join(struct marks *marks, const struct marks *other);
static inline void marks_set(struct marks *marks, size_t index)
{
    if (marks != NULL)
        marks->bits[index / 64] |= (uint64_t)1 << index % 64;
}
static inline bool marks_has(const struct marks *marks, size_t index)
{
    return (marks->bits[index / 64] >> index % 64 & 1) != 0;
}

struct frame {
    const struct node *node;
    const struct spot *spot;
    struct marks *marks; // NULL: nobody asks what has been judged
    const struct scope *scope;
};

struct check {
    struct schema_report *report;
    struct budget budget;
    uint32_t depth;
    uint32_t quiet; // above 0 only the verdict counts, and the first violation settles it
    bool is_stopped;
    struct matcher *matcher;
};

uint32_t schema_type_of(const json_t *value);

// Does the spot's value keep to `node`?
bool schema_check_node(struct check *check, const struct node *node, const struct frame *frame);
// The same for a member or an item of the frame's value.
bool schema_check_member(struct check *check, const struct node *node, const struct frame *frame,
                         const char *key, json_t *value);
bool schema_check_item(struct check *check, const struct node *node, const struct frame *frame,
                       size_t index);
// False, and the check has ended, when `steps` are more than are left.
bool schema_check_spend(struct check *check, const struct frame *frame, uint64_t steps);
// 1 matches, 0 does not, -1: the check has ended.
int schema_check_match(struct check *check, const struct frame *frame, const struct regex *regex,
                       struct slice text);
// True when nobody wants to know of another violation.
bool schema_check_is_settled(const struct check *check);

// Always false. Silent while the check is quiet; `keyword` may be NULL.
bool schema_report_add(struct check *check, const struct frame *frame, const char *keyword,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
// Ends the check: the text names the cap. Always false.
bool schema_report_stop(struct check *check, const struct frame *frame, const char *text);
// One that has no place in the schema.
void schema_report_whole(struct schema_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// The pointer to a place in the schema, cut to fit.
void schema_report_place(const struct place *place, char out[SCHEMA_TEXT_MAX]);
// Ends a text that may have been cut in a character properly; `len` is what it should have been.
void schema_report_end_text(char out[SCHEMA_TEXT_MAX], size_t len);
// `value` as JSON, cut to fit.
void schema_report_value(const json_t *value, char *out, size_t cap);
