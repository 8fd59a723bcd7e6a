/* A store in a folder of its own for each test, and what the tests put into it and read out of it. */
#ifndef ISHOW_TESTS_STORE_FOLDER_H
#define ISHOW_TESTS_STORE_FOLDER_H

#include "base/buf.h"
#include "store/store_history.h"
#include "store/store_voices.h"

#include <limits.h>

extern char folder[64];
extern char notices[4096];          /* one a line */
extern char damaged[NAME_MAX + 1];  /* the last one that find_damaged saw */

int make_folder(void **state);
int remove_folder(void **state);
void on_notice(void *user, const char *text);
const char *in_folder(const char *name);
struct store *open_with(int64_t count, int64_t bytes);
struct store *open_here(void);
int count_files(const char *name);
int find_damaged(void);
enum store_added add_voice(struct store *s, const char *id, const char *clip, char **ret_id);
int print_voice(void *user, const struct store_voice *v, struct error *err);
int print_override(void *user, const struct store_override *o, struct error *err);
void assert_voices(struct store *s, const char *expected);
void put_override(struct store *s, const char *id, const char *text, const char *clip);
struct store_generation sample(const char *id, const char *text, const void *audio, size_t len);
void say(struct store *s, int i, const char *text, size_t audio);
int print_generation(void *user, const struct store_generation *g, struct error *err);
int match(void *user, const struct store_generation *g, struct error *err);
int64_t number_of(struct store *s, const char *request);
struct store_history_totals assert_page(struct store *s, int limit, int64_t before, const char *search, const char *expected);

#endif
