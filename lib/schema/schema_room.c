// Pieces from the heap in a list; what is larger than a piece has one of its own.

#include "lib/schema/schema_private.h"

#include <stdlib.h>

enum { PIECE_BYTES = 16 * 1024, ALIGNMENT = 16 };

struct room_piece {
    struct room_piece *next;
    size_t used, cap;
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

static struct room_piece *piece_new(size_t least)
{
    size_t cap = least > PIECE_BYTES ? least : PIECE_BYTES;
    struct room_piece *piece = calloc(1, sizeof *piece + cap);
    if (piece != NULL)
        piece->cap = cap;
    return piece;
}

void *schema_room_take(struct room *room, size_t count, size_t size)
{
    if (count == 0)
        count = 1;
    if (size > SIZE_MAX / 2 / count)
        return NULL;
    size_t len = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct room_piece *piece = room->pieces;
    if (piece == NULL || piece->cap - piece->used < len) {
        piece = piece_new(len);
        if (piece == NULL)
            return NULL;
        piece->next = room->pieces;
        room->pieces = piece;
    }
    void *taken = piece->bytes + piece->used;
    piece->used += len;
    return taken;
}

void schema_room_deinit(struct room *room)
{
    while (room->pieces != NULL) {
        struct room_piece *next = room->pieces->next;
        free(room->pieces);
        room->pieces = next;
    }
}
