/* Vocos' config.yaml: the real file reads, and every departure from it is named with its line. */
#include "test.h"

#include "ckpt/vocos_config.h"

#include "base/buf.h"

#include <stdio.h>

static const char real[] = "feature_extractor:\n"
                           "  class_path: vocos.feature_extractors.MelSpectrogramFeatures\n"
                           "  init_args:\n"
                           "    sample_rate: 24000\n"
                           "    n_fft: 1024\n"
                           "    hop_length: 256\n"
                           "    n_mels: 100\n"
                           "    padding: center\n"
                           "\n"
                           "backbone:\n"
                           "  class_path: vocos.models.VocosBackbone\n"
                           "  init_args:\n"
                           "    input_channels: 100\n"
                           "    dim: 512\n"
                           "    intermediate_dim: 1536\n"
                           "    num_layers: 8\n"
                           "\n"
                           "head:\n"
                           "  class_path: vocos.heads.ISTFTHead\n"
                           "  init_args:\n"
                           "    dim: 512\n"
                           "    n_fft: 1024\n"
                           "    hop_length: 256\n"
                           "    padding: center\n";

/* `text` with the nth line replaced; "" drops it. */
static void with_line(struct buf *b, int line, const char *text)
{
    b->len = 0;
    const char *p = real;
    for (int i = 1; *p; i++) {
        const char *end = strchr(p, '\n') + 1;
        if (i != line)
            assert_int_equal(buf_add(b, p, (size_t)(end - p)), 0);
        else if (*text)
            assert_int_equal(buf_addf(b, "%s\n", text), 0);
        p = end;
    }
}

static void the_real_one_reads(void **state)
{
    (void)state;
    struct vocos_config c;
    struct error e;
    assert_int_equal(vocos_config_parse(real, sizeof real - 1, &c, &e), 0);
    const struct vocos_config want = {24000, 1024, 256, 100, 100, 512, 1536, 8};
    assert_memory_equal(&c, &want, sizeof c);
}

static void departures_are_named(void **state)
{
    (void)state;
    static const struct {
        int line;
        const char *text;
        int code; /* 0: still fine */
        const char *says;
    } cases[] = {
        {9, "# a comment", 0, NULL},
        {9, "trainer: {devices: [0, {dim: 3}], logger: &x {a: b}}", 0, NULL},
        {16, "    num_layers: 8\n    layer_scale_init_value: 0.125\n    adanorm_num_embeddings: null", 0,
         NULL},
        {12, "  notes: [a, [b]]\n  init_args:", 0, NULL},
        {4, "", E_FORMAT, "feature_extractor.init_args.sample_rate is missing"},
        {24, "", E_FORMAT, "head.init_args.padding is missing"},
        {19, "", E_FORMAT, "head.class_path is missing"},
        {4, "    sample_rate: fast", E_FORMAT,
         "line 4: feature_extractor.init_args.sample_rate is \"fast\", expected a whole number"},
        {4, "    sample_rate: 2.4e4", E_FORMAT, "line 4: "},
        {4, "    sample_rate: '24000'", E_FORMAT, "line 4: "},
        {4, "    sample_rate: -1", E_FORMAT, "line 4: "},
        {4, "    sample_rate: 0", E_FORMAT, "from 1 to 1000000"},
        {4, "    sample_rate: 99999999999999999999", E_FORMAT, "line 4: "},
        {4, "    sample_rate:", E_FORMAT, "is \"\", expected a whole number"},
        {4, "    sample_rate: [24000]", E_FORMAT, "sample_rate is missing"},
        {5, "    n_fft: 1024\n    n_fft: 1024", E_FORMAT,
         "line 6: feature_extractor.init_args.n_fft is given twice"},
        {8, "    padding: same", E_UNSUPPORTED,
         "line 8: feature_extractor.init_args.padding is \"same\", only \"center\""},
        {24, "    padding: same", E_UNSUPPORTED, "line 24: head.init_args.padding is \"same\""},
        {2, "  class_path: vocos.feature_extractors.EncodecFeatures", E_UNSUPPORTED, "EncodecFeatures"},
        {19, "  class_path: os.system", E_UNSUPPORTED, "line 19: head.class_path is \"os.system\""},
        {16, "    num_layers: 8\n    adanorm_num_embeddings: 4", E_UNSUPPORTED,
         "line 17: backbone.init_args.adanorm"},
        {21, "    dim: 511", E_FORMAT,
         "line 21: head.init_args.dim is 511, but backbone.init_args.dim is 512 (line 14)"},
        {22, "    n_fft: 512", E_FORMAT, "line 22: head.init_args.n_fft is 512"},
        {23, "    hop_length: 128", E_FORMAT, "line 23: head.init_args.hop_length is 128"},
        {13, "    input_channels: 80", E_FORMAT, "line 13: backbone.init_args.input_channels is 80, but"},
        {9, "x: &a [1]\ny: *a", E_UNSUPPORTED, "line 10: aliases"},
        {9, "---", E_FORMAT, "line 9: a second document"},
        {9, "? [a]\n: b", E_FORMAT, "a key must be a plain word"},
        {9, "x: [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", E_LIMIT, "line 9: nested deeper than 16"},
        {9, "x: 'open", E_FORMAT, "no valid YAML"},
        {9, "x: \xff", E_FORMAT, "no valid YAML"},
        {9, "\t\tx: y", E_FORMAT, "line 9: no valid YAML"},
    };
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vocos_config c = {0};
        struct error e = {0};
        with_line(&b, cases[i].line, cases[i].text);
        int rc = vocos_config_parse(b.ptr, b.len, &c, &e);
        if (rc != cases[i].code || (rc && !strstr(e.text, cases[i].says)) || (rc == 0) != (c.dim == 512))
            fail_msg("%s: %d \"%s\"", cases[i].text, rc, e.text);
    }
    buf_release(&b);
}

static void odd_inputs(void **state)
{
    (void)state;
    struct vocos_config c;
    struct error e;
    static char large[VOCOS_CONFIG_MAX + 1];
    assert_int_equal(vocos_config_parse("", 0, &c, &e), E_FORMAT);
    assert_non_null(strstr(e.text, "is missing"));
    assert_int_equal(vocos_config_parse("[1]", 3, &c, &e), E_FORMAT);
    assert_int_equal(vocos_config_parse("x", 1, &c, &e), E_FORMAT);
    memset(large, '#', sizeof large);
    assert_int_equal(vocos_config_parse(large, sizeof large, &c, &e), E_LIMIT);
    memset(large, '[', sizeof large);
    assert_int_equal(vocos_config_parse(large, sizeof large - 1, &c, &e), E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_real_one_reads),
        cmocka_unit_test(departures_are_named),
        cmocka_unit_test(odd_inputs),
    };
    return cmocka_run_group_tests_name("vocos_config", tests, NULL, NULL);
}
