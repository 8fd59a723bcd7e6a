/* From a speech job to a line of history: what was asked for is remembered when the job is submitted, and kept with
 * how it went when it has gone well. On the loop's thread. */
#ifndef ISHOW_SERVER_HISTORY_DRAFT_H
#define ISHOW_SERVER_HISTORY_DRAFT_H

#include "server/history.h"
#include "speech/speech.h"

struct history_draft;

/* NULL when nothing is to be kept, or when memory has run out (which counts as dropped). The job's `keep` is to be set
 * when this is not NULL. */
struct history_draft *history_draft_create(struct history *h, const struct job_request *job);

/* Keeps what went well. The draft goes on living. */
void history_draft_keep(const struct history_draft *d, const struct job_result *result);

void history_draft_free(struct history_draft *d); /* accepts NULL */

#endif
