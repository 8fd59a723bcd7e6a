/* When the model is evaluated: the time steps of the ODE, and the step lengths between them. */
#ifndef ISHOW_MODEL_SCHEDULE_H
#define ISHOW_MODEL_SCHEDULE_H

#define SCHEDULE_MAX_NFE 256

/* Fills t[0 .. nfe], t[0] = 0, t[nfe] = 1. For 5, 6, 7, 10, 12 and 16 evaluations the empirically pruned
 * grids of F5-TTS, otherwise uniform; then sway sampling t + sway (cos(pi t / 2) - 1 + t), in f32 as
 * upstream computes it. nfe in 1..SCHEDULE_MAX_NFE. */
void schedule_times(int nfe, float sway, float *t);

#endif
