/* How long the pieces of a text may be when it is heard while it is made, so that none comes late.
 *
 * The first piece is as short as the caller likes: it decides how soon something is heard. A later one of L frames
 * costs (clip + L) · cost · load seconds, because the model goes through the clip again with every piece. It is in time
 * when that is no more than what there is still to hear: the audio given out so far, less the time since its first
 * sample was. So pieces grow where the engine is faster than speech. Where it is not, playback starves whatever the
 * pieces' length, and they stay as long as the first. */
#ifndef ISHOW_ENGINE_PACE_H
#define ISHOW_ENGINE_PACE_H

#define PACE_GROWTH 2.0  /* from a piece to the next, as long as nothing was measured */
#define PACE_MARGIN 0.75 /* of the time there is that is planned for: speed varies */

/* An engine's speed, as it was lately: half of it is the last measurement. */
struct pace {
    double cost; /* seconds that a frame takes an evaluation and branch; 0: not measured yet */
};

/* `seconds` were spent on `work` = frames · evaluations · branches. */
void pace_note(struct pace *p, double seconds, double work);

/* Frames of speech that the next piece may have when `ahead` seconds are still to hear; `load` = evaluations · branches
 * · requests that share the engine. May be negative. `last`, the frames of the piece before, counts when nothing was
 * measured. */
double pace_frames(const struct pace *p, double ahead, int clip_frames, double load, double last);

#endif
