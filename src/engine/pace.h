/* How long the pieces of a text may be when it is heard while it is made, so that none comes late.
 *
 * The first piece is as short as the caller likes: it decides how soon something is heard. A later one of L frames
 * costs (clip + L) · cost · load seconds, because the model goes through the clip again with every piece. It is in time
 * when that is no more than what there is still to hear: the audio given out so far, less the time since its first
 * sample was. So pieces grow where the engine is faster than speech. Where even one as long as the first would be late,
 * but hardly and again and again, they stay so; and where playback must starve, each is twice the one before: fewer
 * pieces are sooner done, because each costs the clip. */
#ifndef ISHOW_ENGINE_PACE_H
#define ISHOW_ENGINE_PACE_H

#define PACE_GROWTH 2.0  /* from a piece to the next, as long as nothing was measured */
#define PACE_MARGIN 0.75 /* of the time there is that is planned for: speed varies */
#define PACE_LATE 1.2    /* times its own length that a piece may take and be hardly late */
#define PACE_FRAME_SECONDS (256.0 / 24000)

/* An engine's speed, as it was lately: half of it is the last measurement. */
struct pace {
    double cost; /* seconds that a frame takes an evaluation and branch; 0: not measured yet */
};

/* `seconds` were spent on `work` = frames · evaluations · branches. */
void pace_note(struct pace *p, double seconds, double work);

/* What the next piece depends on; frames of speech, but for the clip's. */
struct pace_piece {
    double clip, first, last; /* frames of the clip, of the first piece and of the one before */
    double load;              /* evaluations · branches · requests that share the engine */
    double ahead;             /* seconds still to hear */
};

/* Frames of speech that the next piece may have, `first` or more. */
double pace_frames(const struct pace *p, const struct pace_piece *piece);

#endif
