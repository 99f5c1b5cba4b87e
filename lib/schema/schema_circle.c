// A node that judges the same value as another is bound to it by an edge. Nodes into which no edge
// leads are taken away, with their edges, until none is left; what is left then stands on a circle
// or below one, and a check would go round for ever.

#include "lib/schema/schema_private.h"

#include <stdlib.h>

void schema_circle_edge(struct compiler *compiler, const struct node *from, const struct node *to)
{
    CHECK(compiler->edge_count < 3 * SCHEMA_NODES_MAX);
    compiler->edges[compiler->edge_count++] = (struct edge){from->number, to->number};
}

static int by_from(const void *left, const void *right)
{
    const struct edge *a = left, *b = right;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    return (a->to > b->to) - (a->to < b->to);
}

// Goes back along edges among nodes that are left; after as many steps as there are nodes it has
// come to one that stands on the circle itself.
static const struct node *on_circle(const struct compiler *compiler, const uint32_t *into)
{
    uint32_t at = 0;
    while (into[at] == 0)
        at++;
    for (uint32_t i = 0; i < compiler->node_count; i++)
        for (uint32_t j = 0; j < compiler->edge_count; j++)
            if (compiler->edges[j].to == at && into[compiler->edges[j].from] > 0) {
                at = compiler->edges[j].from;
                break;
            }
    return compiler->nodes[at];
}

// A node that leads to itself, or NULL.
static const struct node *find(struct compiler *compiler, uint32_t *into, uint32_t *free_nodes,
                               uint32_t *first)
{
    uint32_t count = compiler->node_count, free_count = 0, taken = 0;
    qsort(compiler->edges, compiler->edge_count, sizeof *compiler->edges, by_from);
    for (uint32_t i = 0; i < compiler->edge_count; i++) {
        into[compiler->edges[i].to]++;
        first[compiler->edges[i].from + 1]++;
    }
    for (uint32_t i = 0; i < count; i++) {
        first[i + 1] += first[i];
        if (into[i] == 0)
            free_nodes[free_count++] = i;
    }
    while (taken < free_count) {
        uint32_t from = free_nodes[taken++];
        for (uint32_t i = first[from]; i < first[from + 1]; i++)
            if (--into[compiler->edges[i].to] == 0)
                free_nodes[free_count++] = compiler->edges[i].to;
    }
    return taken == count ? NULL : on_circle(compiler, into);
}

bool schema_circle_free(struct compiler *compiler)
{
    size_t count = compiler->node_count;
    uint32_t *numbers = calloc(3 * count + 1, sizeof *numbers);
    struct place place = {.node = compiler->schema->root};
    if (numbers == NULL)
        return schema_fault_at(compiler, ERR_NO_MEMORY, &place, "out of memory");
    place.node = find(compiler, numbers, numbers + count, numbers + 2 * count);
    free(numbers);
    return place.node == NULL ||
           schema_fault_at(compiler, ERR_BAD_FIELD, &place,
                           "this schema leads back to itself without going into the value");
}
