/* See vocos_config.h. libyaml hands out events one by one; this keeps the dotted path of where it is
 * and picks up the scalars whose path is in the table below. Nothing is built in memory, aliases are
 * refused and depth is bounded, so a small file cannot grow into a large one. */
#include "ckpt/vocos_config.h"

#include "ckpt/tensor_set.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define YAML_MAX_DEPTH 16
#define YAML_MAX_PATH  128
#define FIGURE_MAX     1000000 /* of any number in the file; the largest real one is 24000 */

enum key {
    FEATURES_CLASS,
    SAMPLE_RATE,
    N_FFT,
    HOP_LENGTH,
    N_MELS,
    FEATURES_PADDING,
    BACKBONE_CLASS,
    INPUT_CHANNELS,
    DIM,
    INTERMEDIATE_DIM,
    NUM_LAYERS,
    ADANORM,
    HEAD_CLASS,
    HEAD_DIM,
    HEAD_N_FFT,
    HEAD_HOP_LENGTH,
    HEAD_PADDING,
    KEY_COUNT
};

/* With a word, the value has to be it; without, it is a whole number. */
static const struct {
    const char *path, *word;
    int optional;
} keys[KEY_COUNT] = {
    [FEATURES_CLASS] = {"feature_extractor.class_path", "vocos.feature_extractors.MelSpectrogramFeatures", 0},
    [SAMPLE_RATE] = {"feature_extractor.init_args.sample_rate", NULL, 0},
    [N_FFT] = {"feature_extractor.init_args.n_fft", NULL, 0},
    [HOP_LENGTH] = {"feature_extractor.init_args.hop_length", NULL, 0},
    [N_MELS] = {"feature_extractor.init_args.n_mels", NULL, 0},
    [FEATURES_PADDING] = {"feature_extractor.init_args.padding", "center", 0},
    [BACKBONE_CLASS] = {"backbone.class_path", "vocos.models.VocosBackbone", 0},
    [INPUT_CHANNELS] = {"backbone.init_args.input_channels", NULL, 0},
    [DIM] = {"backbone.init_args.dim", NULL, 0},
    [INTERMEDIATE_DIM] = {"backbone.init_args.intermediate_dim", NULL, 0},
    [NUM_LAYERS] = {"backbone.init_args.num_layers", NULL, 0},
    [ADANORM] = {"backbone.init_args.adanorm_num_embeddings", "null", 1},
    [HEAD_CLASS] = {"head.class_path", "vocos.heads.ISTFTHead", 0},
    [HEAD_DIM] = {"head.init_args.dim", NULL, 0},
    [HEAD_N_FFT] = {"head.init_args.n_fft", NULL, 0},
    [HEAD_HOP_LENGTH] = {"head.init_args.hop_length", NULL, 0},
    /* vocos' own default is "same": a file without the key does not mean "center" */
    [HEAD_PADDING] = {"head.init_args.padding", "center", 0},
};

struct frame {
    int is_map, want_key;
    int foreign; /* in a list: no path of ours leads here */
    size_t path_len;
};

struct walk {
    struct frame frames[YAML_MAX_DEPTH];
    int depth, documents;
    char path[YAML_MAX_PATH]; /* of the value that comes next; '\0'-terminated */
    size_t path_len;
    int figures[KEY_COUNT];
    unsigned long lines[KEY_COUNT]; /* 0: not seen */
    struct error *err;
};

static unsigned long line_of(const yaml_event_t *ev)
{
    return (unsigned long)ev->start_mark.line + 1;
}

static int take_value(struct walk *w, enum key k, const yaml_event_t *ev)
{
    char shown[SHOWN_MAX];
    const char *s = (const char *)ev->data.scalar.value;
    size_t n = ev->data.scalar.length;
    struct slice value = {s, n};
    if (w->lines[k])
        return error_set(w->err, E_FORMAT, "line %lu: %s is given twice", line_of(ev), keys[k].path);
    w->lines[k] = line_of(ev);
    if (keys[k].word) {
        if (slice_eq_str(value, keys[k].word) || (k == ADANORM && (n == 0 || slice_eq_str(value, "~"))))
            return 0;
        return error_set(w->err, E_UNSUPPORTED, "line %lu: %s is \"%s\", only \"%s\" is known", line_of(ev),
                         keys[k].path, text_shown(value, shown), keys[k].word);
    }
    int figure = 0, ok = n > 0 && ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    for (size_t i = 0; ok && i < n; i++) {
        ok = s[i] >= '0' && s[i] <= '9' && figure <= FIGURE_MAX;
        figure = ok ? figure * 10 + (s[i] - '0') : figure;
    }
    if (!ok || figure < 1 || figure > FIGURE_MAX)
        return error_set(w->err, E_FORMAT, "line %lu: %s is \"%s\", expected a whole number from 1 to %d",
                         line_of(ev), keys[k].path, text_shown(value, shown), FIGURE_MAX);
    w->figures[k] = figure;
    return 0;
}

/* A key: extends the path by it. What does not fit is no path of ours. */
static void enter_key(struct walk *w, const yaml_event_t *ev)
{
    struct frame *f = &w->frames[w->depth - 1];
    const char *s = (const char *)ev->data.scalar.value;
    size_t n = ev->data.scalar.length, dot = f->path_len > 0;
    f->want_key = 0;
    w->path_len = f->path_len;
    if (n >= sizeof w->path - w->path_len - dot || memchr(s, '.', n) || memchr(s, '\0', n)) {
        s = "?";
        n = 1;
        if (w->path_len + dot + n >= sizeof w->path)
            return;
    }
    if (dot)
        w->path[w->path_len] = '.';
    memcpy(w->path + w->path_len + dot, s, n);
    w->path_len += dot + n;
    w->path[w->path_len] = '\0';
}

/* After a value: in a map, a key comes next. */
static void value_done(struct walk *w)
{
    if (w->depth) {
        struct frame *f = &w->frames[w->depth - 1];
        f->want_key = f->is_map;
        w->path_len = f->path_len;
        w->path[w->path_len] = '\0';
    }
}

static int on_scalar(struct walk *w, const yaml_event_t *ev)
{
    if (w->depth && w->frames[w->depth - 1].want_key) {
        enter_key(w, ev);
        return 0;
    }
    int rc = 0, ours = w->depth && !w->frames[w->depth - 1].foreign;
    for (int k = 0; ours && k < KEY_COUNT; k++)
        if (strcmp(w->path, keys[k].path) == 0)
            rc = take_value(w, (enum key)k, ev);
    value_done(w);
    return rc;
}

static int on_container(struct walk *w, const yaml_event_t *ev, int is_map)
{
    if (w->depth && w->frames[w->depth - 1].want_key)
        return error_set(w->err, E_FORMAT, "line %lu: a key must be a plain word", line_of(ev));
    if (w->depth == YAML_MAX_DEPTH)
        return error_set(w->err, E_LIMIT, "line %lu: nested deeper than %d levels", line_of(ev),
                         YAML_MAX_DEPTH);
    if (!is_map && w->depth == 0)
        return error_set(w->err, E_FORMAT, "line %lu: expected a mapping at the top", line_of(ev));
    int foreign = !is_map || (w->depth && w->frames[w->depth - 1].foreign);
    w->frames[w->depth++] = (struct frame){is_map, is_map, foreign, w->path_len};
    return 0;
}

static int on_event(struct walk *w, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(w, ev);
    case YAML_MAPPING_START_EVENT:
        return on_container(w, ev, 1);
    case YAML_SEQUENCE_START_EVENT:
        return on_container(w, ev, 0);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        w->depth--;
        value_done(w);
        return 0;
    case YAML_ALIAS_EVENT:
        return error_set(w->err, E_UNSUPPORTED, "line %lu: aliases are not read here", line_of(ev));
    case YAML_DOCUMENT_START_EVENT:
        if (w->documents++)
            return error_set(w->err, E_FORMAT, "line %lu: a second document begins", line_of(ev));
        return 0;
    default:
        return 0;
    }
}

static int walk_events(yaml_parser_t *parser, struct walk *w)
{
    for (;;) {
        yaml_event_t ev;
        char shown[SHOWN_MAX];
        if (!yaml_parser_parse(parser, &ev)) {
            if (parser->error == YAML_MEMORY_ERROR)
                return error_nomem(w->err);
            return error_set(w->err, E_FORMAT, "line %lu: no valid YAML: %s",
                             (unsigned long)parser->problem_mark.line + 1,
                             text_shown(slice_str(parser->problem ? parser->problem : "?"), shown));
        }
        int end = ev.type == YAML_STREAM_END_EVENT;
        int rc = on_event(w, &ev);
        yaml_event_delete(&ev);
        if (rc || end)
            return rc;
    }
}

static int agree(const struct walk *w, enum key a, enum key b)
{
    if (w->figures[a] == w->figures[b])
        return 0;
    return error_set(w->err, E_FORMAT, "line %lu: %s is %d, but %s is %d (line %lu)", w->lines[b],
                     keys[b].path, w->figures[b], keys[a].path, w->figures[a], w->lines[a]);
}

static int check(const struct walk *w)
{
    for (int k = 0; k < KEY_COUNT; k++)
        if (!w->lines[k] && !keys[k].optional)
            return error_set(w->err, E_FORMAT, "%s is missing", keys[k].path);
    int rc = agree(w, N_MELS, INPUT_CHANNELS);
    if (!rc)
        rc = agree(w, DIM, HEAD_DIM);
    if (!rc)
        rc = agree(w, N_FFT, HEAD_N_FFT);
    if (!rc)
        rc = agree(w, HOP_LENGTH, HEAD_HOP_LENGTH);
    return rc;
}

int vocos_config_parse(const char *text, size_t len, struct vocos_config *ret, struct error *err)
{
    if (len > VOCOS_CONFIG_MAX)
        return error_set(err, E_LIMIT, "the file has %zu bytes, the limit is %d", len, VOCOS_CONFIG_MAX);
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return error_nomem(err);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    struct walk w = {.err = err};
    int rc = walk_events(&parser, &w);
    yaml_parser_delete(&parser);
    if (!rc)
        rc = check(&w);
    if (rc)
        return rc;
    *ret = (struct vocos_config){
        .sample_rate = w.figures[SAMPLE_RATE],
        .n_fft = w.figures[N_FFT],
        .hop_length = w.figures[HOP_LENGTH],
        .n_mels = w.figures[N_MELS],
        .input_channels = w.figures[INPUT_CHANNELS],
        .dim = w.figures[DIM],
        .intermediate_dim = w.figures[INTERMEDIATE_DIM],
        .num_layers = w.figures[NUM_LAYERS],
    };
    return 0;
}
