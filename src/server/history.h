/* What was said is kept: handed to the store without waiting, and dropped, counted and told to the log when the store
 * cannot keep up or has no room. On the loop's thread. */
#ifndef ISHOW_SERVER_HISTORY_H
#define ISHOW_SERVER_HISTORY_H

#include "base/log.h"
#include "store/store_history.h"
#include "store/store_thread.h"

#define HISTORY_LOG_EVERY 60.0 /* seconds between two lines about what was dropped */

struct history;

/* `store` and `log` are borrowed. */
int history_create(struct store_thread *store, struct log *log, struct history **ret, struct error *err);
/* Before this, store_thread_free must have told what was under way. Accepts NULL. */
void history_free(struct history *h);

void history_set_enabled(struct history *h, int enabled); /* what is kept stays */
int history_enabled(const struct history *h);

/* Everything is copied; its `id` counts for nothing. */
void history_add(struct history *h, const struct store_generation *g);

/* Counts one that could not even be added. */
void history_drop(struct history *h, const char *why);

uint64_t history_dropped(const struct history *h); /* since the start */

#endif
