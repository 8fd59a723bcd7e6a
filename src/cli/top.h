/* `ishowtts top`: a server's metrics, live.
 *
 * cmd_top.c asks the server and minds the terminal; top_prom.c and top_page.c read what it says, top_watch.c keeps
 * the last pages, top_screen.c and top_report.c show them. What a server says is never sent to the terminal as it is:
 * control characters are taken out. */
#ifndef ISHOW_CLI_TOP_H
#define ISHOW_CLI_TOP_H

#include "base/buf.h"
#include "cli/top_page.h"

#include <stdint.h>
#include <stdio.h>

#define TOP_PAGES  121 /* kept */
#define TOP_WINDOW 60  /* seconds that percentiles are about */
#define TOP_TEXT_MAX 256

struct top_health {
    int known;
    char status[TOP_LABEL_MAX], engine[TOP_LABEL_MAX], voice[TOP_TEXT_MAX], trouble[TOP_TEXT_MAX];
};

struct top_watch {
    const char *url; /* borrowed */
    double interval; /* seconds */
    struct top_page *pages; /* [TOP_PAGES], a ring */
    int first, count;
    int from_start;         /* the oldest page is the one of the server's start, and the only one beside the newest */
    struct top_health health;
    char trouble[TOP_TEXT_MAX]; /* "", or why there is no new page */
    double trouble_since;       /* clock_seconds() */
};

int top_watch_init(struct top_watch *w); /* 0 or E_NOMEM */
void top_watch_release(struct top_watch *w);

/* Takes a page of metrics in. */
void top_watch_page(struct top_watch *w, const char *text, size_t len);
void top_watch_health(struct top_watch *w, const char *text, size_t len);
void top_watch_trouble(struct top_watch *w, const char *words); /* "" when it is over */

const struct top_page *top_page_at(const struct top_watch *w, int i); /* 0 is the oldest; NULL outside */
const struct top_page *top_newest(const struct top_watch *w);         /* NULL: there is none */
const struct top_page *top_previous(const struct top_watch *w);       /* the one before, else the newest */
const struct top_page *top_oldest(const struct top_watch *w);         /* of the last TOP_WINDOW seconds */
double top_uptime(const struct top_watch *w);                         /* of the server, NaN when not known */

/* Without control characters, and cut at a character. */
void top_clean(char *out, size_t size, const char *text);

/* One screen of at most `rows` lines and `columns` columns, each line ended with "\n". 0 or E_NOMEM. */
struct top_look {
    int rows, columns, colour, utf8;
};
int top_screen(struct buf *out, const struct top_watch *w, const struct top_look *look);

/* One line of plain text. 0 or E_NOMEM. */
int top_line(struct buf *out, const struct top_watch *w);
/* One JSON object. 0, or -1 when it could not be made or written. */
int top_json(FILE *out, const struct top_watch *w, int pretty);

/* "1.2 k", "0.0123"; "-" for what is not known. At most 15 bytes. */
void top_number_text(char out[16], double v);
/* "45 ms", "1.2 s". */
void top_time_text(char out[16], double seconds);
/* "3d 4h", "12:03". */
void top_age_text(char out[32], double seconds);

#endif
