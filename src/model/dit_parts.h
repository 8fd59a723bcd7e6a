/* What a transformer is made of, for the files that load it (dit_load.c), prepare its schedules (dit_time.c) and run it
 * (dit.c). */
#ifndef ISHOW_MODEL_DIT_PARTS_H
#define ISHOW_MODEL_DIT_PARTS_H

#include "model/dit.h"
#include "model/schedule.h"
#include "model/weights.h"

#define TEXT_KERNEL 7

struct text_block {
    float *dw_w, *dw_b;       /* device [7, text_dim], [text_dim] */
    float *norm_w, *norm_b;   /* device [text_dim] */
    struct dev_linear *up;    /* text_dim -> text_inner */
    float *gamma, *beta;      /* device [text_inner], response normalisation */
    struct dev_linear *down;  /* text_inner -> text_dim */
};

struct block {
    struct dev_linear *qkv, *out, *up, *down;
    float *q_gain, *k_gain; /* device [64], or NULL */
};

struct workspace {
    float *mem; /* device */
    size_t count;
};

struct dit {
    struct f5_arch arch;
    struct dev *dev;
    const struct ckpt *ckpt;
    struct precision_plan plan;
    struct dev_linear *time_up, *time_down;
    float *text_table; /* device [vocab + 1, text_dim] */
    struct text_block *text;
    struct dev_linear *input;
    struct dev_conv *pos[2];
    struct block *blocks;
    struct dev_linear *output;
    float inv_freq[DEV_HEAD_DIM / 2];

    /* the schedule the tables below are for */
    float times[SCHEDULE_MAX_NFE];
    int nfe;
    float *time_embed; /* device [nfe, dim] */
    float *block_mod;  /* device [depth][nfe, 6 dim]: shift, 1 + scale, gate; shift, 1 + scale, gate */
    float *final_mod;  /* device [nfe, 2 dim]: 1 + scale, shift */

    struct workspace work;
    struct profile *profile; /* borrowed, or NULL */
};

#define FINAL_LAYER (-1) /* of AdaLN, behind the last block */

void dit_load_time_mlp(struct dit *m, struct weights *w);

/* The tables of the usual schedule, out of a pack or into one; nothing for a checkpoint alone. */
void dit_load_times(struct dit *m, struct weights *w);

#endif
