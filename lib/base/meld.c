// The leftist tree. Everything is a merge of two trees along their right spines, which hold at
// most log2(n + 1) items.

#include "lib/base/meld.h"

#include "lib/base/check.h"

#include <stdbool.h>

static bool is_before(const struct meld_node *nodes, uint32_t a, uint32_t b)
{
    if (nodes[a].key != nodes[b].key)
        return nodes[a].key < nodes[b].key;
    return nodes[a].tie < nodes[b].tie;
}

static uint32_t rank_of(const struct meld_node *nodes, uint32_t at)
{
    return at == MELD_NONE ? 0 : nodes[at].rank;
}

// Makes the right spine the shorter one and tells the rank. False when the rank was right before.
static bool mend_one(struct meld_node *nodes, uint32_t at)
{
    struct meld_node *node = &nodes[at];
    if (rank_of(nodes, node->left) < rank_of(nodes, node->right)) {
        uint32_t left = node->left;
        node->left = node->right;
        node->right = left;
    }
    uint32_t rank = rank_of(nodes, node->right) + 1;
    bool has_changed = rank != node->rank;
    node->rank = rank;
    return has_changed;
}

// Below `at` something has become shorter or longer. Each changed rank on the way up is larger
// than the one below it, so the way is no longer than the largest rank.
static void mend_up(struct meld_node *nodes, uint32_t at)
{
    while (at != MELD_NONE && mend_one(nodes, at))
        at = nodes[at].parent;
}

// Two trees, either of which may be empty. The new root's parent is MELD_NONE.
static uint32_t merge(struct meld_node *nodes, uint32_t a, uint32_t b)
{
    uint32_t root = MELD_NONE;
    uint32_t above = MELD_NONE;
    while (a != MELD_NONE || b != MELD_NONE) {
        if (a == MELD_NONE || (b != MELD_NONE && is_before(nodes, b, a))) {
            uint32_t swapped = a;
            a = b;
            b = swapped;
        }
        if (above == MELD_NONE)
            root = a;
        else
            nodes[above].right = a;
        nodes[a].parent = above;
        if (b == MELD_NONE)
            break;
        above = a;
        a = nodes[a].right;
    }
    // All of the merged spine: a rank may stay while the one above it changes.
    for (; above != MELD_NONE; above = nodes[above].parent)
        (void)mend_one(nodes, above);
    return root;
}

void meld_push(struct meld_node *nodes, uint32_t *root, uint32_t at)
{
    nodes[at].left = nodes[at].right = nodes[at].parent = MELD_NONE;
    nodes[at].rank = 1;
    *root = merge(nodes, *root, at);
}

void meld_drop(struct meld_node *nodes, uint32_t *root, uint32_t at)
{
    CHECK(*root != MELD_NONE);
    uint32_t parent = nodes[at].parent;
    uint32_t rest = merge(nodes, nodes[at].left, nodes[at].right);
    if (rest != MELD_NONE)
        nodes[rest].parent = parent;
    if (parent == MELD_NONE) {
        CHECK(*root == at);
        *root = rest;
        return;
    }
    if (nodes[parent].left == at) {
        nodes[parent].left = rest;
    } else {
        CHECK(nodes[parent].right == at);
        nodes[parent].right = rest;
    }
    mend_up(nodes, parent);
}
