/* What speech.c and speech_setup.c share. */
#ifndef ISHOW_SPEECH_SPEECH_PRIVATE_H
#define ISHOW_SPEECH_SPEECH_PRIVATE_H

#include "speech/speech.h"
#include "speech/speech_mail.h"
#include "speech/worker.h"

/* What speech_describe points to. */
struct described {
    char trouble[ERROR_TEXT_MAX], model[512], precision[ISHOW_PRECISION_TEXT], kernels[32];
};

struct speech {
    struct loop *loop;
    struct log *log;
    struct speech_observer observer;
    struct speech_mail *mail;
    struct crew model, builtin; /* the first has no workers when the built-in voices were asked for */
    int with_model;
    int any_model, had_model; /* any will do; there has been one */
    ishow_open_params open;  /* its strings are owned */
    struct config_rung *ladder;
    double timeout, hang_seconds;
    int first_chunk;
    int fallback;
    int stopping;
    int standing_in;         /* the built-in voices do the model's work */
    int model_hung, hung;    /* workers that do not move: of the model, of all */
    char hung_name[sizeof((struct worker *)0)->name];
    struct job *jobs;        /* all */
    int count;
    struct loop_timer watch;
    struct described *described;
};

/* Of the mail, and of a timer. */
void speech_on_mail(void *user, struct job *job, struct job_piece *pieces, int finished);
void speech_on_bell(void *user);
void speech_on_watch(void *user);

/* Ends a job wherever it is, and tells its listener. */
void speech_fail_job(struct job *job, enum job_failure failure, const char *message);

/* Nobody has asked for a model, and there never was one. */
int speech_is_no_trouble(const struct speech *s, const struct error *trouble);

#endif
