/* See pace.h. */
#include "engine/pace.h"

void pace_note(struct pace *p, double seconds, double work)
{
    if (seconds <= 0 || work <= 0)
        return;
    const double cost = seconds / work;
    p->cost = p->cost > 0 ? (p->cost + cost) / 2 : cost;
}

double pace_frames(const struct pace *p, const struct pace_piece *piece)
{
    const double frame = p->cost * piece->load; /* seconds */
    if (!(frame > 0))
        return piece->last * PACE_GROWTH;
    const double in_time = PACE_MARGIN * piece->ahead / frame - piece->clip;
    if (in_time >= piece->first)
        return in_time;
    const int hardly_late = (piece->clip + piece->first) * frame <= PACE_LATE * piece->first * PACE_FRAME_SECONDS;
    return hardly_late ? piece->first : piece->last * PACE_GROWTH;
}
