/* See pace.h. */
#include "engine/pace.h"

void pace_note(struct pace *p, double seconds, double work)
{
    if (seconds <= 0 || work <= 0)
        return;
    const double cost = seconds / work;
    p->cost = p->cost > 0 ? (p->cost + cost) / 2 : cost;
}

double pace_frames(const struct pace *p, double ahead, int clip_frames, double load, double last)
{
    return p->cost > 0 ? PACE_MARGIN * ahead / (p->cost * load) - clip_frames : last * PACE_GROWTH;
}
