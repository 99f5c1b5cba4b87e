// A pause before the word, and one word.

#include "lib/peer/absence.h"

bool absence_is_news(struct absence *absence, when_ms now, bool is_there)
{
    if (is_there) {
        *absence = (struct absence){0};
        return false;
    }
    if (!absence->is_absent)
        *absence = (struct absence){.since = now, .is_absent = true};
    if (absence_next(absence) > now)
        return false;
    absence->is_told = true;
    return true;
}

when_ms absence_next(const struct absence *absence)
{
    bool waits = absence->is_absent && !absence->is_told;
    return waits ? when_after(absence->since, ABSENCE_TELL_MS) : WHEN_NEVER;
}
