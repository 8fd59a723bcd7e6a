/* What sounds: the head of the queue is made into a clip while the clip before it sounds, and goes on when that has
 * had its time. At most one clip is made and one is ready, so what is removed, skipped or paid for in between is
 * never far behind. */
#include "live/live_private.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WAV_HEADER   44  /* bytes before the samples of our own 16-bit mono files */
#define RETRY_PAUSE  0.5 /* seconds, when speech has no room */
#define TRIES        3   /* at making a clip */

/* -------- clips -------- */

void live_clip_unref(struct live_clip *clip)
{
    if (!clip || --clip->refs)
        return;
    chat_item_free(clip->item);
    buf_release(&clip->wav);
    ws_frame_unref(clip->packet);
    free(clip);
}

static void find_peaks(struct live_clip *clip)
{
    const unsigned char *p = (const unsigned char *)clip->wav.ptr + WAV_HEADER;
    const size_t n = clip->wav.len > WAV_HEADER ? (clip->wav.len - WAV_HEADER) / 2 : 0;
    for (size_t i = 0; i < n; i++) {
        const int v = (int16_t)(p[2 * i] | p[2 * i + 1] << 8);
        float *peak = &clip->peaks[i * LIVE_PEAKS / n];
        const float a = (float)abs(v) / 32768;
        if (a > *peak)
            *peak = a;
    }
}

/* Takes over the item and the sound. */
static struct live_clip *clip_create(struct live *l, struct chat_item *item, struct buf *wav, double seconds)
{
    struct live_clip *clip = calloc(1, sizeof *clip);
    if (!clip)
        return NULL;
    *clip = (struct live_clip){.refs = 1, .number = item->number, .item = item, .wav = *wav, .seconds = seconds,
                               .asked = l->making.since, .made = clock_seconds()};
    *wav = (struct buf)BUF_INIT;
    find_peaks(clip);
    return clip;
}

struct live_clip *live_find_clip(const struct live *l, uint64_t number)
{
    for (size_t i = 0; i < LIVE_CLIPS_MAX; i++)
        if (l->clips[i] && l->clips[i]->number == number)
            return l->clips[i];
    return NULL;
}

/* -------- playing -------- */

static void stop_clip(struct live *l, const char *reason)
{
    struct live_clip *clip = l->playing;
    if (!clip)
        return;
    loop_timer_stop(&l->end_of_clip);
    l->playing = NULL;
    live_tell(l, "ended", json_pack("{s:I,s:s}", "number", (json_int_t)clip->number, "reason", reason));
    live_item_gone(l, clip->item);
    live_clip_unref(clip);
}

static void on_end_of_clip(void *user)
{
    struct live *l = user;
    stop_clip(l, "spoken");
    stage_work(l);
}

static void play(struct live *l, struct live_clip *clip)
{
    l->playing = clip;
    l->playing_since = clock_seconds();
    loop_timer_start(l->params.loop, &l->end_of_clip, clip->seconds + LIVE_GAP, on_end_of_clip, l);
    if (!clip->packet)
        clip->packet = live_packet(clip, 0);
    if (!live_find_clip(l, clip->number)) {
        struct live_clip **place = &l->clips[l->clip_next++ % LIVE_CLIPS_MAX];
        live_clip_unref(*place);
        *place = clip;
        clip->refs++;
    }
    struct channel *c = live_channel(l, clip->item->message->platform, clip->item->message->channel);
    if (c)
        c->spoken++;
    l->spoken++;
    for (struct live_listener *who = l->listeners, *next; clip->packet && who; who = next) {
        next = who->next;
        if (who->packet)
            who->packet(who->user, clip->packet);
    }
    for (struct live_listener *who = l->listeners, *next; who; who = next) {
        next = who->next;
        if (who->clip)
            who->clip(who->user, clip);
    }
    if (clip->item->alone && l->params.watcher.clip)
        l->params.watcher.clip(l->params.watcher.user, l->playing_since - clip->item->since);
    clip->item->alone = 0; /* it may be played again */
    if (l->reader_count)
        live_tell(l, "playing", live_clip_json(clip));
    log_event(l->params.log, LOG_INFO, "spoken", log_str("platform", chat_platform_name(clip->item->message->platform)),
              log_str("channel", clip->item->message->channel), log_str("id", clip->item->message->id),
              log_num("asked", clip->asked - clip->item->since), log_num("made", clip->made - clip->item->since),
              log_num("waited", l->playing_since - clip->item->since), log_num("duration", clip->seconds));
    live_tell_queue(l);
}

/* -------- making -------- */

static void forget_item(struct live *l, struct chat_item *item, const char *reason)
{
    live_tell(l, "ended", json_pack("{s:I,s:s}", "number", (json_int_t)item->number, "reason", reason));
    live_item_gone(l, item);
    chat_item_free(item);
}

static void make_next(struct live *l);

static void on_retry(void *user)
{
    struct live *l = user;
    if (l->making.item && !l->making.job)
        make_next(l);
    stage_work(l);
}

static void make_again(struct live *l)
{
    loop_timer_start(l->params.loop, &l->retry, RETRY_PAUSE, on_retry, l);
}

static void on_made(void *user, const struct job_result *r)
{
    struct live *l = user;
    struct chat_item *item = l->making.item;
    l->making.job = NULL;
    if (r->failure == JOB_OK && r->sound) {
        l->ready = clip_create(l, item, r->sound, (double)r->samples / ISHOW_RATE);
        if (l->ready)
            l->making.item = NULL;
    }
    if (!l->making.item) {
        stage_work(l);
        return;
    }
    log_event(l->params.log, LOG_WARN, "not spoken", log_str("id", item->message->id), log_str("why", r->message));
    if (r->failure != JOB_BAD && ++l->making.tries < TRIES) {
        make_again(l);
        return;
    }
    l->making.item = NULL;
    l->failed++;
    forget_item(l, item, "failed");
    stage_work(l);
}

static struct voice *voice_of(const struct live *l, const struct chat_item *item)
{
    const struct channel *c = live_channel(l, item->message->platform, item->message->channel);
    const char *const names[] = {item->voice ? item->voice : "", c ? c->voice : "", l->voice};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct voice *v = *names[i] ? voices_find(l->params.voices, names[i]) : NULL;
        if (v)
            return v;
    }
    return voices_find(l->params.voices, NULL);
}

/* Asks for the speech of what is being made. */
static void make_next(struct live *l)
{
    struct chat_item *item = l->making.item;
    const struct channel *c = live_channel(l, item->message->platform, item->message->channel);
    struct buf text = BUF_INIT;
    struct job_request request = {.id = item->message->id,
                                  .client = LIVE_CLIENT,
                                  .engine = c ? c->engine : "",
                                  .voice = voice_of(l, item),
                                  .format = "wav",
                                  .priority = item->message->priority == CHAT_PAID ? JOB_URGENT : JOB_HIGH,
                                  .on_done = on_made,
                                  .user = l};
    int retry, rc = 0;
    if (item->merged)
        rc = rules_times(live_rules(l, item->message->platform, item->message->channel), item->text, item->merged + 1,
                         &text);
    request.text = item->merged && !rc ? text.ptr : item->text;
    ishow_say_params_init(&request.say);
    if (rc || speech_submit(l->params.speech, &request, &l->making.job, &retry) != SUBMIT_OK) {
        l->making.job = NULL;
        make_again(l);
    }
    buf_release(&text);
}

void stage_work(struct live *l)
{
    if (l->closed)
        return;
    if (l->ready && !l->playing && !l->paused && !l->grace.loop) {
        struct live_clip *clip = l->ready;
        l->ready = NULL;
        play(l, clip);
    }
    struct chat_item *first = chat_queue_first(l->queue);
    if (first && !l->ready && !l->making.item) {
        chat_queue_take(l->queue, first);
        l->making = (struct making){.item = first, .since = clock_seconds()};
        make_next(l);
        live_tell_queue(l);
    }
}

/* -------- a begin and an end -------- */

static void on_grace(void *user)
{
    stage_work(user);
}

static int is_heard(const struct live *l, int also_here)
{
    for (const struct live_listener *who = l->listeners; who; who = who->next)
        if (who->packet || (who->clip && also_here))
            return 1;
    return 0;
}

void stage_hold(struct live *l)
{
    if (!l->grace.loop && !is_heard(l, 1))
        loop_timer_start(l->params.loop, &l->grace, LIVE_GRACE, on_grace, l);
}

void stage_listened(struct live *l)
{
    if (l->grace.loop) /* a moment later, because the listener may not be told yet */
        loop_timer_start(l->params.loop, &l->grace, 0, on_grace, l);
}

int stage_has(const struct live *l, const char *message_id)
{
    const struct chat_item *const items[] = {chat_queue_find_message(l->queue, message_id), l->making.item,
                                             l->ready ? l->ready->item : NULL, l->playing ? l->playing->item : NULL};
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (items[i] && strcmp(items[i]->message->id, message_id) == 0)
            return 1;
    return 0;
}

/* A player that has been sent a clip plays it to its end, so another process must not say it again. This machine's own
 * sound ends with the process: what nobody else hears stays kept, as all the rest does. */
void stage_close(struct live *l)
{
    loop_timer_stop(&l->grace);
    loop_timer_stop(&l->retry);
    loop_timer_stop(&l->end_of_clip);
    if (l->making.job)
        speech_cancel(l->params.speech, l->making.job);
    l->making.job = NULL;
    if (l->playing && is_heard(l, 0))
        live_item_gone(l, l->playing->item);
}

/* -------- taking back -------- */

static void drop_making(struct live *l, const char *reason)
{
    struct chat_item *item = l->making.item;
    if (!item)
        return;
    if (l->making.job)
        speech_cancel(l->params.speech, l->making.job);
    loop_timer_stop(&l->retry);
    l->making = (struct making){0};
    forget_item(l, item, reason);
}

static void drop_ready(struct live *l, const char *reason)
{
    struct live_clip *clip = l->ready;
    if (!clip)
        return;
    l->ready = NULL;
    live_tell(l, "ended", json_pack("{s:I,s:s}", "number", (json_int_t)clip->number, "reason", reason));
    live_item_gone(l, clip->item);
    live_clip_unref(clip);
}

void stage_remove(struct live *l, const struct chat_match *match, const char *reason)
{
    chat_queue_remove(l->queue, match, reason);
    if (l->making.item && chat_match(l->making.item->message, match))
        drop_making(l, reason);
    if (l->ready && chat_match(l->ready->item->message, match))
        drop_ready(l, reason);
    if (l->playing && chat_match(l->playing->item->message, match)) {
        stop_clip(l, reason);
        live_tell_control(l, "skip");
    }
    live_tell_queue(l);
    stage_work(l);
}

void stage_forget(struct live *l, const struct chat_match *match)
{
    for (size_t i = 0; i < LIVE_CLIPS_MAX; i++)
        if (l->clips[i] && chat_match(l->clips[i]->item->message, match)) {
            live_clip_unref(l->clips[i]);
            l->clips[i] = NULL;
        }
    for (size_t i = 0; i < LIVE_LOG_MAX; i++)
        if (l->log[i].message && chat_match(l->log[i].message, match))
            l->log[i].deleted = 1;
}

int live_queue_remove(struct live *l, uint64_t number)
{
    struct chat_item *item = chat_queue_find(l->queue, number);
    if (item) {
        chat_queue_take(l->queue, item);
        forget_item(l, item, "removed");
    } else if (l->making.item && l->making.item->number == number) {
        drop_making(l, "removed");
    } else if (l->ready && l->ready->number == number) {
        drop_ready(l, "removed");
    } else {
        return E_NOTFOUND;
    }
    live_tell_queue(l);
    stage_work(l);
    return 0;
}

int live_queue_move(struct live *l, uint64_t number, uint64_t before)
{
    struct chat_item *item = chat_queue_find(l->queue, number), *to = before ? chat_queue_find(l->queue, before) : NULL;
    if (!item || (before && !to))
        return E_NOTFOUND;
    chat_queue_move(l->queue, item, to);
    live_tell_queue(l);
    return 0;
}

/* -------- controls -------- */

static const char *const actions[] = {"pause", "resume", "skip", "clear", "replay", "panic"};

int live_action_parse(const char *name)
{
    for (int i = 0; i < (int)(sizeof actions / sizeof *actions); i++)
        if (strcmp(name, actions[i]) == 0)
            return i;
    return -1;
}

static void clear(struct live *l, const char *reason)
{
    const struct chat_match all_but_paid = {.platform = -1};
    chat_queue_remove(l->queue, &all_but_paid, reason);
    if (l->making.item && l->making.item->message->priority != CHAT_PAID)
        drop_making(l, reason);
    if (l->ready && l->ready->item->message->priority != CHAT_PAID)
        drop_ready(l, reason);
    l->flooded = 0;
}

/* The last clip once more, before what is ready. */
static void replay(struct live *l)
{
    struct live_clip *last = l->playing ? l->playing : NULL;
    for (size_t i = 1; !last && i <= LIVE_CLIPS_MAX; i++)
        last = l->clips[(l->clip_next + LIVE_CLIPS_MAX - i) % LIVE_CLIPS_MAX];
    if (!last)
        return;
    last->refs++;
    stop_clip(l, "skipped");
    if (l->paused) {
        l->paused = 0;
        live_tell_control(l, "resume");
    }
    play(l, last);
}

void live_control(struct live *l, enum live_action action)
{
    switch (action) {
    case LIVE_PAUSE: /* what sounds is held by the listeners, and its time with it */
        if (!l->paused && l->playing) {
            loop_timer_stop(&l->end_of_clip);
            l->playing_since = clock_seconds() - l->playing_since; /* how far it was, until it goes on */
        }
        l->paused = 1;
        break;
    case LIVE_RESUME:
        if (l->paused && l->playing) {
            const double left = l->playing->seconds + LIVE_GAP - l->playing_since;
            l->playing_since = clock_seconds() - l->playing_since;
            loop_timer_start(l->params.loop, &l->end_of_clip, left > 0 ? left : 0, on_end_of_clip, l);
        }
        l->paused = 0;
        break;
    case LIVE_SKIP: stop_clip(l, "skipped"); break;
    case LIVE_CLEAR: clear(l, "cleared"); break;
    case LIVE_REPLAY: break;
    case LIVE_PANIC:
        l->paused = 1;
        clear(l, "panic");
        stop_clip(l, "panic");
        break;
    }
    live_tell_control(l, actions[action]);
    if (action == LIVE_REPLAY)
        replay(l);
    live_tell_queue(l);
    stage_work(l);
}

void live_set_volume(struct live *l, double volume)
{
    l->volume = volume < 0 ? 0 : volume > 1 ? 1 : volume;
    live_tell_control(l, "volume");
}

int live_set_voice(struct live *l, const char *voice)
{
    if (*voice && !voices_find(l->params.voices, voice))
        return E_NOTFOUND;
    char *copy = strdup(voice);
    if (!copy)
        return E_NOMEM;
    free(l->voice);
    l->voice = copy;
    live_tell_control(l, "voice");
    return 0;
}

void stage_release(struct live *l)
{
    loop_timer_stop(&l->grace);
    loop_timer_stop(&l->end_of_clip);
    loop_timer_stop(&l->retry);
    if (l->making.job)
        speech_cancel(l->params.speech, l->making.job);
    chat_item_free(l->making.item); /* paid ones are still kept, and come back at the next start */
    live_clip_unref(l->ready);
    live_clip_unref(l->playing);
    for (size_t i = 0; i < LIVE_CLIPS_MAX; i++)
        live_clip_unref(l->clips[i]);
}
