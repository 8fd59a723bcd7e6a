/* The last pages of a server, and small helpers to show them. See top.h. */
#include "cli/top.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/utf8.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double wall_seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

int top_watch_init(struct top_watch *w)
{
    w->pages = calloc(TOP_PAGES, sizeof *w->pages);
    return w->pages ? 0 : E_NOMEM;
}

void top_watch_release(struct top_watch *w)
{
    free(w->pages);
    w->pages = NULL;
}

static struct top_page *page_at(const struct top_watch *w, int i)
{
    return &w->pages[(w->first + i) % TOP_PAGES];
}

const struct top_page *top_page_at(const struct top_watch *w, int i)
{
    return i >= 0 && i < w->count ? page_at(w, i) : NULL;
}

const struct top_page *top_newest(const struct top_watch *w)
{
    return top_page_at(w, w->count - 1);
}

const struct top_page *top_previous(const struct top_watch *w)
{
    return top_page_at(w, w->count > 1 ? w->count - 2 : w->count - 1);
}

const struct top_page *top_oldest(const struct top_watch *w)
{
    if (w->from_start)
        return page_at(w, 0);
    for (int i = 0; i < w->count - 1; i++)
        if (page_at(w, i)->at >= top_newest(w)->at - TOP_WINDOW)
            return page_at(w, i);
    return top_previous(w);
}

static void drop_oldest(struct top_watch *w)
{
    w->first = (w->first + 1) % TOP_PAGES;
    w->count--;
}

void top_watch_page(struct top_watch *w, const char *text, size_t len)
{
    if (w->count == TOP_PAGES || w->from_start)
        drop_oldest(w);
    w->from_start = 0;
    struct top_page *page = page_at(w, w->count);
    top_page_read(page, text, len, clock_seconds());
    if (w->count > 0 && top_same_process(top_newest(w), page)) {
        w->count++;
        return;
    }
    const struct top_page copy = *page; /* the first of this process */
    w->first = 0;
    w->count = 2;
    w->from_start = 1;
    w->pages[1] = copy;
    top_page_before(&w->pages[0], &copy, wall_seconds());
}

double top_uptime(const struct top_watch *w)
{
    const struct top_page *now = top_newest(w);
    return now ? wall_seconds() - now->numbers[TOP_STARTED] : NAN;
}

/* -------- health -------- */

void top_clean(char *out, size_t size, const char *text)
{
    size_t n = 0;
    uint32_t cp;
    for (size_t len = strlen(text), step; len; text += step, len -= step) {
        step = utf8_decode(text, len, &cp);
        const int plain = step && cp >= 0x20 && cp != 0x7f && !(cp >= 0x80 && cp < 0xa0) &&
                          !(cp >= 0x200e && cp <= 0x202e) && !(cp >= 0x2066 && cp <= 0x2069); /* turns of direction */
        if (step == 0)
            step = 1;
        if (n + (plain ? step : 1) >= size)
            break;
        if (plain)
            memcpy(out + n, text, step);
        else
            out[n] = ' ';
        n += plain ? step : 1;
    }
    out[n] = '\0';
}

static void take_text(char *out, size_t size, const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    top_clean(out, size, s ? s : "");
}

void top_watch_health(struct top_watch *w, const char *text, size_t len)
{
    struct top_health *h = &w->health;
    json_t *o = json_loadb(text, len, 0, NULL);
    *h = (struct top_health){.known = json_is_object(o)};
    take_text(h->status, sizeof h->status, o, "status");
    take_text(h->engine, sizeof h->engine, o, "engine");
    take_text(h->voice, sizeof h->voice, o, "default_voice");
    take_text(h->trouble, sizeof h->trouble, o, "trouble");
    json_decref(o);
}

void top_watch_trouble(struct top_watch *w, const char *words)
{
    if (*words && !*w->trouble)
        w->trouble_since = clock_seconds();
    top_clean(w->trouble, sizeof w->trouble, words);
}

/* -------- words for numbers -------- */

void top_number_text(char out[16], double v)
{
    static const char units[] = " kMGTPE";
    if (!isfinite(v)) {
        snprintf(out, 16, "-");
        return;
    }
    int unit = 0;
    double a = fabs(v);
    while (a >= 9999.5 && units[unit + 1]) {
        a /= 1000;
        v /= 1000;
        unit++;
    }
    if (a >= 9999.5)
        snprintf(out, 16, "%.2g %c", v, units[unit]);
    else if (unit)
        snprintf(out, 16, "%.*f %c", a < 99.95, v, units[unit]);
    else
        snprintf(out, 16, "%.*f", a >= 99.95 || v == floor(v) ? 0 : a >= 9.995 ? 1 : a >= 0.0995 ? 2 : 3, v);
}

void top_time_text(char out[16], double seconds)
{
    if (!isfinite(seconds))
        snprintf(out, 16, "-");
    else if (seconds < 0.9995)
        snprintf(out, 16, "%.*f ms", seconds < 0.00995 ? 1 : 0, seconds * 1e3);
    else
        snprintf(out, 16, "%.*f s", seconds < 9.995 ? 2 : seconds < 99.95 ? 1 : 0, seconds > 1e7 ? 1e7 : seconds);
}

void top_age_text(char out[32], double seconds)
{
    if (!(seconds >= 0) || seconds > 1e10) {
        snprintf(out, 32, "-");
        return;
    }
    const long long s = (long long)seconds;
    if (s >= 86400)
        snprintf(out, 32, "%lldd %lldh", s / 86400, s / 3600 % 24);
    else if (s >= 3600)
        snprintf(out, 32, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, 32, "%lld:%02lld", s / 60, s % 60);
}
