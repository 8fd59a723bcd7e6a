/* See recogniser.h. The acoustic model was trained on sound of 16 kHz but looks at bands up to 6.8 kHz only, so it
 * can be told to take 24 kHz as they are. */
#include "cli/recogniser.h"

#include "base/buf.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEARD_MAX 65536

extern char **environ;

int recogniser_installed(void)
{
    const char *path = getenv("PATH");
    char file[4096];
    for (const char *p = path ? path : ""; *p;) {
        const size_t n = strcspn(p, ":");
        if (snprintf(file, sizeof file, "%.*s/" RECOGNISER, (int)n, p) < (int)sizeof file && access(file, X_OK) == 0)
            return 1;
        p += n + (p[n] == ':');
    }
    return 0;
}

/* -------- words -------- */

struct words {
    struct slice *items;
    size_t n, cap;
};

static int in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '\'';
}

static int words_split(const char *s, struct words *w)
{
    while (*s) {
        size_t n = 0;
        while (in_word(s[n]))
            n++;
        if (n) {
            if (ARRAY_GROW(w->items, w->n, w->cap))
                return -1;
            w->items[w->n++] = (struct slice){s, n};
        }
        s += n ? n : 1;
    }
    return 0;
}

static int same_word(struct slice a, struct slice b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* Fewest words to insert, drop or replace (Levenshtein), row by row. */
static int distance(const struct words *want, const struct words *got, size_t *ret)
{
    size_t *row = malloc(sizeof *row * (got->n + 1));
    if (!row)
        return -1;
    for (size_t k = 0; k <= got->n; k++)
        row[k] = k;
    for (size_t i = 0; i < want->n; i++) {
        size_t before = row[0];
        row[0] = i + 1;
        for (size_t k = 1; k <= got->n; k++) {
            const size_t replaced = before + !same_word(want->items[i], got->items[k - 1]);
            const size_t one_more = (row[k] < row[k - 1] ? row[k] : row[k - 1]) + 1;
            before = row[k];
            row[k] = replaced < one_more ? replaced : one_more;
        }
    }
    *ret = row[got->n];
    free(row);
    return 0;
}

int word_error_rate(const char *text, const char *heard, double *ret)
{
    struct words want = {0}, got = {0};
    size_t wrong = 0;
    int rc = words_split(text, &want) || words_split(heard, &got) || distance(&want, &got, &wrong) ? -1 : 0;
    if (!rc)
        *ret = want.n ? (double)wrong / (double)want.n : NAN;
    free(want.items);
    free(got.items);
    return rc;
}

/* -------- listening -------- */

static int read_all(int fd, struct buf *out)
{
    char piece[4096];
    for (;;) {
        const ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 || buf_add(out, "", 1) ? -1 : 0;
        if (out->len + (size_t)n > HEARD_MAX || buf_add(out, piece, (size_t)n))
            return -1;
    }
}

static int listen(const char *wav, struct buf *heard)
{
    const char *const argv[] = {RECOGNISER, "-infile", wav, "-samprate", "24000", "-nfft", "1024", NULL};
    posix_spawn_file_actions_t actions;
    int fds[2], status = -1;
    pid_t pid;
    if (pipe2(fds, O_CLOEXEC))
        return -1;
    int failed = posix_spawn_file_actions_init(&actions);
    if (!failed) {
        failed = posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO) ||
                 posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) ||
                 posix_spawnp(&pid, RECOGNISER, &actions, NULL, (char *const *)argv, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(fds[1]);
    if (!failed) {
        failed = read_all(fds[0], heard);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        failed |= !WIFEXITED(status) || WEXITSTATUS(status);
    }
    close(fds[0]);
    return failed ? -1 : 0;
}

int recogniser_errors(const char *wav, const char *text, double *ret, ishow_error *err)
{
    struct buf heard = BUF_INIT;
    for (const char *p = text; *p; p++)
        if (*p & 0x80) {
            *ret = NAN;
            return 0;
        }
    int rc = 0;
    if (listen(wav, &heard))
        rc = error_set((struct error *)err, E_UNSUPPORTED,
                       RECOGNISER " could not be run on %s (apt-get install " RECOGNISER_PACKAGES ")", wav);
    else if (word_error_rate(text, heard.ptr, ret))
        rc = error_nomem((struct error *)err);
    buf_release(&heard);
    return rc;
}
