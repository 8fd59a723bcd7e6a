/* See web_files.h. The assembler puts the files among the read-only data. WEB_FOLDER comes from meson.build, and the
 * generated web_stamp.h makes this file compile anew when one of them has changed. */
#include "server/web_files.h"

#include "base/xxh64.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "web_stamp.h"

#define EMBED(symbol, name)                                                          \
    __asm__(".pushsection .rodata, \"a\"\n"                                          \
            ".globl ishow_web_" #symbol ", ishow_web_" #symbol "_end\n"              \
            ".hidden ishow_web_" #symbol ", ishow_web_" #symbol "_end\n"             \
            "ishow_web_" #symbol ":\n"                                               \
            ".incbin \"" WEB_FOLDER "/" name "\"\n"                                  \
            "ishow_web_" #symbol "_end:\n"                                           \
            ".byte 0\n"                                                              \
            ".popsection\n");                                                        \
    extern const char ishow_web_##symbol[] __attribute__((visibility("hidden")));    \
    extern const char ishow_web_##symbol##_end[] __attribute__((visibility("hidden")));

#define ENTRY(symbol, name, type) {name, type, ishow_web_##symbol, ishow_web_##symbol##_end},

#define HTML   "text/html; charset=utf-8"
#define CSS    "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

#define FILES(X)                                          \
    X(openapi_json, "openapi.json", "application/json")   \
    X(docs_html, "docs.html", HTML)                       \
    X(docs_css, "docs.css", CSS)                          \
    X(docs_js, "docs.js", SCRIPT)                         \
    X(index_html, "index.html", HTML)                     \
    X(icon_svg, "icon.svg", "image/svg+xml")              \
    X(app_css, "app.css", CSS)                            \
    X(app_js, "app.js", SCRIPT)                           \
    X(api_js, "api.js", SCRIPT)                           \
    X(i18n_js, "i18n.js", SCRIPT)                         \
    X(icons_js, "icons.js", SCRIPT)                       \
    X(keys_js, "keys.js", SCRIPT)                         \
    X(live_js, "live.js", SCRIPT)                         \
    X(player_js, "player.js", SCRIPT)                     \
    X(prefs_js, "prefs.js", SCRIPT)                       \
    X(sound_js, "sound.js", SCRIPT)                       \
    X(theme_js, "theme.js", SCRIPT)                       \
    X(ui_js, "ui.js", SCRIPT)                             \
    X(room_live_css, "room_live.css", CSS)                \
    X(room_studio_css, "room_studio.css", CSS)            \
    X(room_voices_css, "room_voices.css", CSS)            \
    X(room_insight_css, "room_insight.css", CSS)          \
    X(room_settings_css, "room_settings.css", CSS)        \
    X(room_live_js, "room_live.js", SCRIPT)               \
    X(room_studio_js, "room_studio.js", SCRIPT)           \
    X(room_voices_js, "room_voices.js", SCRIPT)           \
    X(room_insight_js, "room_insight.js", SCRIPT)         \
    X(room_settings_js, "room_settings.js", SCRIPT)       \
    X(fake_chat_js, "fake_chat.js", SCRIPT)               \
    X(live_channels_js, "live_channels.js", SCRIPT)       \
    X(live_chat_js, "live_chat.js", SCRIPT)               \
    X(live_queue_js, "live_queue.js", SCRIPT)             \
    X(live_stage_js, "live_stage.js", SCRIPT)             \
    X(live_test_js, "live_test.js", SCRIPT)               \
    X(platforms_js, "platforms.js", SCRIPT)               \
    X(verdicts_js, "verdicts.js", SCRIPT)                 \
    X(voice_list_js, "voice_list.js", SCRIPT)             \
    X(overlay_css, "overlay.css", CSS)                    \
    X(overlay_html, "overlay.html", HTML)                 \
    X(overlay_js, "overlay.js", SCRIPT)                   \
    X(rule_fields_js, "rule_fields.js", SCRIPT)           \
    X(rule_inputs_js, "rule_inputs.js", SCRIPT)           \
    X(rule_templates_js, "rule_templates.js", SCRIPT)     \
    X(rule_tester_js, "rule_tester.js", SCRIPT)           \
    X(settings_page_js, "settings_page.js", SCRIPT)       \
    X(settings_rules_js, "settings_rules.js", SCRIPT)     \
    X(canvas_js, "canvas.js", SCRIPT)                     \
    X(charts_js, "charts.js", SCRIPT)                     \
    X(clip_js, "clip.js", SCRIPT)                         \
    X(clip_check_js, "clip_check.js", SCRIPT)             \
    X(clip_editor_js, "clip_editor.js", SCRIPT)           \
    X(insight_charts_js, "insight_charts.js", SCRIPT)     \
    X(insight_events_js, "insight_events.js", SCRIPT)     \
    X(metrics_js, "metrics.js", SCRIPT)                   \
    X(recorder_js, "recorder.js", SCRIPT)                 \
    X(recorder_worklet_js, "recorder_worklet.js", SCRIPT) \
    X(sounder_js, "sounder.js", SCRIPT)                   \
    X(spectrogram_js, "spectrogram.js", SCRIPT)           \
    X(speech_request_js, "speech_request.js", SCRIPT)     \
    X(studio_history_js, "studio_history.js", SCRIPT)     \
    X(studio_settings_js, "studio_settings.js", SCRIPT)   \
    X(take_js, "take.js", SCRIPT)                         \
    X(take_view_js, "take_view.js", SCRIPT)               \
    X(trimmer_js, "trimmer.js", SCRIPT)                   \
    X(upload_js, "upload.js", SCRIPT)                     \
    X(voice_card_js, "voice_card.js", SCRIPT)             \
    X(voice_new_js, "voice_new.js", SCRIPT)               \
    X(waveform_js, "waveform.js", SCRIPT)

#define EMBED_ENTRY(symbol, name, type) EMBED(symbol, name)
FILES(EMBED_ENTRY)

static const struct web_file files[] = {FILES(ENTRY)};

const struct web_file *web_file_find(const char *name)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(files[i].name, name) == 0)
            return &files[i];
    return NULL;
}

/* If-None-Match: a list of tags, or "*". Ours has no character that could stand in a longer one. */
static int client_has(struct http_request *r, const char *etag)
{
    const char *given = http_header(r, "If-None-Match");
    return given && (strcmp(given, "*") == 0 || strstr(given, etag));
}

void reply_web_file(struct http_request *r, const struct web_file *f)
{
    char etag[24];
    const size_t len = (size_t)(f->end - f->begin);
    snprintf(etag, sizeof etag, "\"%016" PRIx64 "\"", xxh64(f->begin, len, 0));
    const struct http_header headers[] = {
        {"Content-Type", f->type},
        {"ETag", etag},
        {"Cache-Control", "no-cache"}, /* kept, but asked about: a new program may have a new page */
        {"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                                    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
                                    "frame-ancestors 'none'"},
        {0},
    };
    if (client_has(r, etag))
        http_respond_static(r, 304, headers + 1, "", 0);
    else
        http_respond_static(r, 200, headers, f->begin, len);
}
