/* What the stage tells: events for the page, packets for players. */
#include "live/live_private.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define QUEUE_PAUSE  0.2 /* seconds between two tellings of the queue */
#define OFFSET_LEAST 1.0 /* seconds that must be left of a clip for one who comes late */

/* -------- objects -------- */

/* `value` for readers, `micros` because what is kept of a paid message is read again by chat_message_read. */
static json_t *amount_json(const struct chat_message *m)
{
    return m->amount_micros > 0 ? json_pack("{s:f,s:I,s:s,s:s}", "value", (double)m->amount_micros / 1e6, "micros",
                                            (json_int_t)m->amount_micros, "currency", m->currency, "text",
                                            m->amount_text)
                                : json_null();
}

json_t *live_item_json(const struct chat_item *item, double now)
{
    json_t *o = chat_message_json(item->message);
    if (!o)
        return NULL;
    json_object_set_new(o, "original", json_incref(json_object_get(o, "text")));
    json_object_set_new(o, "text", json_string(item->text));
    json_object_set_new(o, "number", json_integer((json_int_t)item->number));
    json_object_set_new(o, "voice", json_string(item->voice ? item->voice : ""));
    json_object_set_new(o, "lang", json_string(item->lang));
    json_object_set_new(o, "seconds", json_real(item->seconds));
    json_object_set_new(o, "merged", json_integer(item->merged));
    json_object_set_new(o, "waiting_seconds", json_real(now > item->since ? now - item->since : 0));
    json_object_set_new(o, "amount", amount_json(item->message));
    return o;
}

json_t *live_clip_json(const struct live_clip *clip)
{
    json_t *o = live_item_json(clip->item, clock_seconds()), *peaks = json_array();
    if (!o || !peaks) {
        json_decref(o);
        json_decref(peaks);
        return NULL;
    }
    for (int i = 0; i < LIVE_PEAKS; i++)
        json_array_append_new(peaks, json_real(clip->peaks[i]));
    json_object_set_new(o, "number", json_integer((json_int_t)clip->number));
    json_object_set_new(o, "url", json_sprintf("/api/live/clips/%llu", (unsigned long long)clip->number));
    json_object_set_new(o, "duration", json_real(clip->seconds));
    json_object_set_new(o, "peaks", peaks);
    return o;
}

json_t *live_entry_json(const struct entry *e)
{
    return json_pack("{s:o,s:s,s:s,s:s,s:b,s:b,s:o}", "message", chat_message_json(e->message), "verdict",
                     e->reason ? e->reason : rules_verdict_name(e->verdict), "text", e->text ? e->text : "", "because",
                     e->because, "cut", (int)e->cut, "deleted", (int)e->deleted, "number",
                     e->number ? json_integer((json_int_t)e->number) : json_null());
}

json_t *live_channel_json(const struct channel *c)
{
    struct source_status st;
    source_describe(c->source, &st);
    const double wait = st.state == SOURCE_WAITING ? st.retry_at - clock_seconds() : 0;
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:f,s:o,s:I,s:I,s:I,s:b}", "platform", chat_platform_name(c->platform),
                     "channel", c->name, "voice", c->voice, "engine", c->engine, "state", source_state_name(st.state),
                     "trouble", st.trouble, "retry_seconds", wait > 0 ? wait : 0.0, "quota",
                     st.quota_limit ? json_pack("{s:I,s:I}", "used", (json_int_t)st.quota_used, "limit",
                                                (json_int_t)st.quota_limit)
                                    : json_null(),
                     "received", (json_int_t)c->received, "spoken", (json_int_t)c->spoken, "dropped",
                     (json_int_t)c->dropped, "own_rules", c->rules != NULL);
}

static json_t *queue_json(const struct live *l)
{
    json_t *list = json_array();
    const double now = clock_seconds();
    if (list && l->ready)
        json_array_append_new(list, live_item_json(l->ready->item, now));
    if (list && l->making.item)
        json_array_append_new(list, live_item_json(l->making.item, now));
    const struct chat_item *i = chat_queue_first(l->queue);
    for (int n = 0; list && i && n < LIVE_QUEUE_TOLD; i = i->next, n++)
        json_array_append_new(list, live_item_json(i, now));
    return list;
}

static double queue_seconds(const struct live *l)
{
    return chat_queue_seconds(l->queue) + (l->ready ? l->ready->seconds : 0) +
           (l->making.item ? l->making.item->seconds : 0);
}

static json_t *dropped_json(const struct live *l)
{
    json_t *o = json_object();
    for (int v = RULES_MERGE; o && v <= RULES_COOLDOWN; v++)
        if (l->dropped[v])
            json_object_set_new(o, rules_verdict_name((enum rules_verdict)v), json_integer((json_int_t)l->dropped[v]));
    const struct {
        const char *name;
        uint64_t n;
    } more[] = {{"full", l->dropped_full}, {"rate", l->dropped_rate}, {"flood", l->dropped_flood}};
    for (size_t i = 0; o && i < sizeof more / sizeof *more; i++)
        if (more[i].n)
            json_object_set_new(o, more[i].name, json_integer((json_int_t)more[i].n));
    return o;
}

static json_t *summary_json(const struct live *l)
{
    return json_pack("{s:I,s:I,s:I,s:o}", "received", (json_int_t)l->received, "spoken", (json_int_t)l->spoken,
                     "failed", (json_int_t)l->failed, "dropped", dropped_json(l));
}

size_t live_queued(const struct live *l)
{
    return chat_queue_count(l->queue) + (l->making.item != NULL) + (l->ready != NULL);
}

size_t live_listeners(const struct live *l)
{
    return l->listener_count;
}

/* Those who play what is said, so that a streamer sees whether the overlay is there. */
static int hearing(const struct live *l)
{
    return (int)(l->listener_count - l->reader_count);
}

/* Seconds into the clip that sounds; during a pause `playing_since` is that already. */
static double position(const struct live *l)
{
    return !l->playing ? 0 : l->paused ? l->playing_since : clock_seconds() - l->playing_since;
}

json_t *live_state(const struct live *l)
{
    json_t *channels = json_array(), *log = json_array();
    for (const struct channel *c = l->channels; channels && c; c = c->next)
        json_array_append_new(channels, live_channel_json(c));
    for (size_t i = 0; log && i < LIVE_LOG_MAX; i++) {
        const struct entry *e = &l->log[(l->log_next + i) % LIVE_LOG_MAX];
        if (e->message)
            json_array_append_new(log, live_entry_json(e));
    }
    return json_pack("{s:o,s:o,s:f,s:o,s:I,s:f,s:b,s:f,s:s,s:i,s:o,s:o}", "channels", channels, "playing",
                     l->playing ? live_clip_json(l->playing) : json_null(), "position_seconds", position(l), "queue",
                     queue_json(l), "queue_count", (json_int_t)live_queued(l), "queue_seconds", queue_seconds(l),
                     "paused", l->paused, "volume", l->volume, "voice", l->voice, "listeners", hearing(l), "log", log,
                     "summary", summary_json(l));
}

json_t *live_controls(const struct live *l)
{
    return json_pack("{s:b,s:f,s:s}", "paused", l->paused, "volume", l->volume, "voice", l->voice);
}

json_t *live_decision_json(const struct rules_decision *d)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:f,s:s,s:b,s:s}", "verdict", rules_verdict_name(d->verdict), "text",
                     d->text.ptr ? d->text.ptr : "", "voice", d->voice, "lang", d->lang, "seconds", d->seconds,
                     "because", d->because, "cut", (int)d->cut, "priority", chat_priority_name(d->priority));
}

/* -------- telling -------- */

void live_tell(struct live *l, const char *event, json_t *json)
{
    char *text = json && l->reader_count ? json_dumps(json, JSON_COMPACT) : NULL;
    const size_t len = text ? strlen(text) : 0;
    json_decref(json);
    for (struct live_listener *who = l->listeners, *next; text && who; who = next) {
        next = who->next; /* it may leave in its own call, but not make another leave */
        if (who->event)
            who->event(who->user, event, text, len);
    }
    free(text);
}

/* What a player is told; to be freed, NULL without memory. */
static char *control_text(const struct live *l, const char *type)
{
    json_t *o = json_pack("{s:s,s:f,s:b}", "type", type, "volume", l->volume, "paused", l->paused);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

void live_tell_control(struct live *l, const char *type)
{
    char *text = l->listeners ? control_text(l, type) : NULL;
    for (struct live_listener *who = l->listeners, *next; text && who; who = next) {
        next = who->next;
        if (who->control)
            who->control(who->user, text, strlen(text));
    }
    free(text);
    live_tell(l, "control", json_pack("{s:s,s:f,s:b,s:s}", "action", type, "volume", l->volume, "paused", l->paused,
                                      "voice", l->voice));
}

static void tell_queue_now(void *user)
{
    struct live *l = user;
    if (!l->queue_changed)
        return;
    l->queue_changed = 0;
    loop_timer_start(l->params.loop, &l->queue_told, QUEUE_PAUSE, tell_queue_now, l);
    if (l->reader_count)
        live_tell(l, "queue", json_pack("{s:o,s:I,s:f,s:i,s:o}", "queue", queue_json(l), "queue_count",
                                        (json_int_t)live_queued(l), "queue_seconds", queue_seconds(l), "listeners",
                                        hearing(l), "summary", summary_json(l)));
}

void live_tell_queue(struct live *l)
{
    l->queue_changed = 1;
    if (!l->queue_told.loop)
        loop_timer_start(l->params.loop, &l->queue_told, 0, tell_queue_now, l);
}

struct ws_frame *live_packet(const struct live_clip *clip, double offset)
{
    const struct chat_message *m = clip->item->message;
    json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:s,s:I,s:s,s:f,s:s,s:i,s:s}", "platform",
                          chat_platform_name(m->platform), "channel", m->channel, "username", m->user_name,
                          "display_text", clip->item->text, "format", "audio/wav", "color",
                          *m->color ? json_string(m->color) : json_null(), "id", m->id, "number",
                          (json_int_t)clip->number, "voice", clip->item->voice ? clip->item->voice : "", "duration",
                          clip->seconds, "priority", chat_priority_name(m->priority), "sample_rate", ISHOW_RATE, "lang",
                          clip->item->lang);
    if (o && offset > 0)
        json_object_set_new(o, "offset", json_real(offset));
    char *head = o ? json_dumps(o, JSON_COMPACT) : NULL;
    struct ws_frame *frame = NULL;
    struct buf packet = BUF_INIT;
    const size_t n = head ? strlen(head) : 0;
    const unsigned char le[4] = {(unsigned char)n, (unsigned char)(n >> 8), (unsigned char)(n >> 16),
                                 (unsigned char)(n >> 24)};
    if (head && !buf_add(&packet, le, 4) && !buf_add(&packet, head, n) &&
        !buf_add(&packet, clip->wav.ptr, clip->wav.len))
        (void)ws_frame_create(1, packet.ptr, packet.len, &frame);
    buf_release(&packet);
    free(head);
    json_decref(o);
    return frame;
}

/* -------- who listens -------- */

int live_listen(struct live *l, struct live_listener *who)
{
    if (l->closed || l->listener_count == LIVE_LISTENERS_MAX)
        return E_LIMIT;
    who->prev = NULL;
    who->next = l->listeners;
    if (who->next)
        who->next->prev = who;
    l->listeners = who;
    l->listener_count++;
    l->reader_count += who->event != NULL;
    who->listed = 1;
    if (who->event) {
        json_t *state = live_state(l);
        char *text = state ? json_dumps(state, JSON_COMPACT) : NULL;
        if (text)
            who->event(who->user, "state", text, strlen(text));
        free(text);
        json_decref(state);
    } else {
        live_tell_queue(l);
    }
    if (who->listed && who->control) { /* how loud, and whether it is a pause */
        char *text = control_text(l, "volume");
        if (text)
            who->control(who->user, text, strlen(text));
        free(text);
    }
    if (who->listed && (who->packet || who->clip))
        stage_listened(l);
    const double passed = position(l);
    if (who->listed && who->packet && l->playing && l->playing->seconds - passed > OFFSET_LEAST) {
        struct ws_frame *late = live_packet(l->playing, passed);
        if (late)
            who->packet(who->user, late);
        ws_frame_unref(late);
    }
    return 0;
}

void live_leave(struct live *l, struct live_listener *who)
{
    if (!who->listed)
        return;
    if (who->prev)
        who->prev->next = who->next;
    else
        l->listeners = who->next;
    if (who->next)
        who->next->prev = who->prev;
    who->listed = 0;
    l->listener_count--;
    l->reader_count -= who->event != NULL;
    if (!who->event && !l->closed)
        live_tell_queue(l);
}
