/* Sound files of all kinds come in as the sound that is in them, or with a sentence that says why not;
 * what the encoders put out is read back by libsndfile. The inputs are made here. */
#include "test.h"

#include "audio/sound_file.h"
#include "base/buf.h"
#include "base/file.h"

#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static char path[] = "/tmp/ishow-sound-XXXXXX";

static int make_path(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

/* Something speech-like enough for lossy coders: a few partials with a slow envelope, peak below 0.6. */
static float tone(size_t i, int rate)
{
    double t = (double)i / rate, x = 0;
    for (int k = 1; k <= 5; k++)
        x += sin(2 * M_PI * 220 * k * t + k) / (k + 1);
    return (float)(0.35 * x * (0.6 + 0.4 * sin(2 * M_PI * 3 * t)));
}

static float *make_tone(size_t n, int rate)
{
    float *x = test_malloc((n + 1) * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = tone(i, rate);
    return x;
}

/* Writes `path` with channel c at c's own gain, the mean of the gains being 1. */
static void write_file(int format, int rate, int channels, size_t frames)
{
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *sf = sf_open(path, SFM_WRITE, &info);
    assert_non_null(sf);
    float frame[SOUND_MAX_CHANNELS + 1];
    for (size_t i = 0; i < frames; i++) {
        for (int c = 0; c < channels; c++)
            frame[c] = tone(i, rate) * (c % 2 ? 0.75f : channels > 1 && c + 1 < channels ? 1.25f : 1);
        assert_int_equal(sf_writef_float(sf, frame, 1), 1);
    }
    assert_int_equal(sf_close(sf), 0);
}

/* dB of signal over error, with x delayed by `lag` samples. */
static double snr_db(const float *x, size_t n, const float *y, size_t y_len, size_t lag)
{
    double signal = 0, error = 0;
    for (size_t i = 0; i < n && i + lag < y_len; i++) {
        signal += (double)x[i] * x[i];
        error += ((double)x[i] - y[i + lag]) * ((double)x[i] - y[i + lag]);
    }
    return 10 * log10(signal / (error + 1e-30));
}

static double best_snr_db(const float *x, size_t n, const struct pcm *y, size_t lag_max, size_t *ret_lag)
{
    double best = -INFINITY;
    for (size_t lag = 0; lag <= lag_max; lag++) {
        double db = snr_db(x + 1000, n - 2000, y->samples + 1000, y->len - 1000, lag);
        if (db > best) {
            best = db;
            *ret_lag = lag;
        }
    }
    return best;
}

/* -------- reading -------- */

static void all_kinds_of_files_are_read(void **state)
{
    (void)state;
    static const struct {
        int format, rate, channels;
        double db; /* a full-scale sine in b bits has 6 b + 2; this tone is some 12 below that */
    } kinds[] = {
        {SF_FORMAT_WAV | SF_FORMAT_PCM_16, 24000, 1, 80},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 2, 80},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 8000, 1, 32},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_24, 48000, 2, 120},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_32, 96000, 1, 130},
        {SF_FORMAT_WAV | SF_FORMAT_FLOAT, 384000, 1, 130},
        {SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 4000, 1, 130},
        {SF_FORMAT_WAV | SF_FORMAT_ULAW, 8000, 1, 30},
        {SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 48000, 8, 80},
        {SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 16000, SOUND_MAX_CHANNELS, 80},
        {SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 22050, 1, 80},
        {SF_FORMAT_W64 | SF_FORMAT_PCM_16, 22050, 1, 80},
        {SF_FORMAT_AIFF | SF_FORMAT_PCM_16, 22050, 2, 80},
        {SF_FORMAT_AU | SF_FORMAT_PCM_16, 11025, 1, 80},
        {SF_FORMAT_CAF | SF_FORMAT_PCM_16, 32000, 1, 80},
        {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 44100, 2, 80},
        {SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 48000, 1, 120},
        {SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100, 2, 25},
        {SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000, 2, 15},
    };
    for (size_t k = 0; k < COUNT(kinds); k++) {
        size_t n = (size_t)kinds[k].rate / 2 + 13;
        write_file(kinds[k].format, kinds[k].rate, kinds[k].channels, n);
        struct pcm p = {0}, q = {0};
        struct error e = {0};
        if (sound_read(path, &p, &e))
            fail_msg("%zu: %s", k, e.text);
        assert_int_equal(p.rate, kinds[k].rate);
        assert_int_equal(p.len, n);
        float *x = make_tone(n, p.rate);
        double db = snr_db(x, n, p.samples, p.len, 0);
        if (db < kinds[k].db)
            fail_msg("%zu: %.1f dB", k, db);

        struct buf bytes = BUF_INIT; /* the same from memory */
        assert_int_equal(file_read(path, 100 << 20, &bytes, &e), 0);
        assert_int_equal(sound_read_memory(bytes.ptr, bytes.len, &q, &e), 0);
        assert_int_equal(q.len, p.len);
        assert_memory_equal(q.samples, p.samples, p.len * sizeof *p.samples);
        buf_release(&bytes);
        pcm_release(&p);
        pcm_release(&q);
        test_free(x);
    }
}

static void mp3_is_read(void **state)
{
    (void)state;
    write_file(SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44100, 2, 44100);
    struct pcm p = {0};
    struct error e;
    assert_int_equal(sound_read(path, &p, &e), 0);
    assert_int_equal(p.rate, 44100);
    assert_in_range(p.len, 44100, 44100 + 4 * 1152); /* the coder pads to frames */
    float *x = make_tone(44100, 44100);
    size_t lag = 0;
    assert_true(best_snr_db(x, 44100, &p, 2400, &lag) > 15);
    test_free(x);
    pcm_release(&p);
}

static void refuse(const char *want)
{
    struct pcm p = {0};
    struct error e = {0};
    int rc = sound_read(path, &p, &e);
    if (rc != E_FORMAT || !strstr(e.text, want) || !strstr(e.text, path))
        fail_msg("%d, \"%s\", expected \"%s\"", rc, e.text, want);
    assert_null(p.samples);
}

static void what_is_no_sound_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *want;
    } files[] = {
        {"", 0, "is empty"},
        {"Thanks for the follow!\n", 23, "looks like text (wav, flac, ogg, opus, mp3,"},
        {"\0\0\0\x20"
         "ftypM4A \0\0\0\0",
         16, "MP4 or M4A"},
        {"\x1a\x45\xdf\xa3\x01\0\0\0", 8, "WebM"},
        {"RIFF\x10\0\0\0WAVEfmt ", 16, "damaged wav"},
        {"fLaC\0\0\0\x22", 8, "damaged flac"},
        {"OggS\0\2", 6, "damaged ogg"},
        {"\xff\xfb\x90\x64\0\0\0\0", 8, "damaged mp3"},
        {"\x7f"
         "ELF\2\1\1\0\0\0",
         10, "format is not known"},
        {"R", 1, "text"},
        {"\0", 1, "not sound that can be read"},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        struct error e;
        assert_int_equal(file_write(path, files[i].bytes, files[i].len, &e), 0);
        refuse(files[i].want);
        struct pcm p = {0};
        assert_int_equal(sound_read_memory(files[i].bytes, files[i].len, &p, &e), E_FORMAT);
        assert_null(p.samples);
    }
    struct pcm p = {0};
    struct error e;
    assert_int_equal(sound_read("/nonexistent/clip.wav", &p, &e), E_NOTFOUND);
    assert_non_null(strstr(e.text, "/nonexistent/clip.wav"));
    assert_int_equal(sound_read("/tmp", &p, &e), E_FORMAT);
    assert_non_null(strstr(e.text, "folder"));
    assert_int_equal(sound_read("/dev/null", &p, &e), E_FORMAT);
    assert_int_equal(sound_read_memory("x", SOUND_MAX_BYTES + 1, &p, &e), E_LIMIT);
}

static void values_that_are_no_numbers(void **state)
{
    (void)state;
    for (int bad = 0; bad <= 11; bad += 11) { /* of 1000 */
        SF_INFO info = {.samplerate = 24000, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT};
        SNDFILE *sf = sf_open(path, SFM_WRITE, &info);
        for (int i = 0; i < 1000; i++) {
            float x = i < bad || i < 9 ? (i % 3 == 0   ? NAN
                                          : i % 3 == 1 ? INFINITY
                                                       : -INFINITY)
                      : i < 20         ? 7.5f
                                       : -0.5f;
            assert_int_equal(sf_writef_float(sf, &x, 1), 1);
        }
        sf_close(sf);
        if (bad) {
            refuse("11 of 1000 samples are not numbers");
            continue;
        }
        struct pcm p = {0};
        struct error e;
        assert_int_equal(sound_read(path, &p, &e), 0);
        assert_int_equal(p.len, 1000);
        for (int i = 0; i < 1000; i++)
            assert_float_equal(p.samples[i], i < 9 ? 0 : i < 20 ? 1 : -0.5f, 0);
        pcm_release(&p);
    }
}

static void rates_and_channels_have_limits(void **state)
{
    (void)state;
    write_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 3999, 1, 100);
    refuse("3999 Hz");
    write_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 384001, 1, 100);
    refuse("384001 Hz");
    write_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 24000, SOUND_MAX_CHANNELS + 1, 100);
    refuse("65 channels");
}

static void put_u32(struct buf *b, size_t at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        b->ptr[at + (size_t)i] = (char)(v >> (8 * i));
}

/* A wav's claims about its length are not believed, in either direction. */
static void headers_that_lie(void **state)
{
    (void)state;
    write_file(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 24000, 1, 5000);
    struct error e;
    struct buf wav = BUF_INIT;
    assert_int_equal(file_read(path, 1 << 20, &wav, &e), 0);
    assert_int_equal(wav.len, 44 + 10000);
    static const struct {
        uint32_t riff, data;
        size_t bytes, want; /* kept of the file; samples */
    } lies[] = {
        {UINT32_MAX, UINT32_MAX, 10044, 5000}, {0, 0, 10044, 0},
        {36 + 10000, 10000, 5044, 2500},       {36 + 10000, 10000, 45, 0},
        {36 + 1000, 1000, 10044, 500},         {0x80000000u, 0x7fffff00u, 10044, 5000},
        {36 + 10000, 10000, 5045, 2500},
    };
    for (size_t i = 0; i < COUNT(lies); i++) {
        put_u32(&wav, 4, lies[i].riff);
        put_u32(&wav, 40, lies[i].data);
        struct pcm p = {0};
        int rc = sound_read_memory(wav.ptr, lies[i].bytes, &p, &e);
        assert_int_equal(rc, lies[i].want ? 0 : E_FORMAT);
        assert_int_equal(p.len, lies[i].want);
        pcm_release(&p);
    }
    for (size_t len = 0; len < 200; len++) { /* cut anywhere: an error or what is there */
        struct pcm p = {0};
        int rc = sound_read_memory(wav.ptr, len, &p, &e);
        assert_true(rc == E_FORMAT || p.len <= (len - 44) / 2);
        pcm_release(&p);
    }
    buf_release(&wav);
}

static void truncated_files_give_what_is_there(void **state)
{
    (void)state;
    static const int formats[] = {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SF_FORMAT_OGG | SF_FORMAT_VORBIS,
                                  SF_FORMAT_OGG | SF_FORMAT_OPUS, SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III};
    for (size_t i = 0; i < COUNT(formats); i++) {
        write_file(formats[i], 24000, 1, 24000 * 10);
        struct error e;
        struct buf b = BUF_INIT;
        assert_int_equal(file_read(path, 10 << 20, &b, &e), 0);
        struct pcm p = {0};
        assert_int_equal(sound_read_memory(b.ptr, b.len * 3 / 4, &p, &e), 0);
        assert_in_range(p.len, 24000 * 5, 24000 * 9);
        pcm_release(&p);
        buf_release(&b);
    }
}

static void long_clips(void **state)
{
    (void)state;
    SF_INFO info = {.samplerate = 4000, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
    static const short block[4000]; /* a second */
    for (int seconds = 600; seconds <= 901; seconds += 301) {
        SNDFILE *sf = sf_open(path, SFM_WRITE, &info);
        for (int i = 0; i < seconds; i++)
            assert_int_equal(sf_writef_short(sf, block, 4000), 4000);
        sf_close(sf);
        struct pcm p = {0};
        struct error e;
        int rc = sound_read(path, &p, &e);
        if (seconds == 600) {
            assert_int_equal(rc, 0);
            assert_int_equal(p.len, 600 * 4000);
        } else {
            assert_int_equal(rc, E_LIMIT);
            assert_non_null(strstr(e.text, "900 seconds"));
            assert_null(p.samples);
        }
        pcm_release(&p);
    }
}

/* -------- writing -------- */

/* A sink that keeps everything and may fail at a given byte. */
struct tape {
    struct buf bytes;
    size_t calls, fail_at;
};

static int record(void *user, const void *bytes, size_t len, struct error *err)
{
    struct tape *t = user;
    t->calls++;
    assert_true(len > 0);
    if (t->fail_at && t->bytes.len + len >= t->fail_at)
        return error_set(err, E_IO, "the listener has gone");
    return buf_add(&t->bytes, bytes, len);
}

static const enum sound_format all_formats[] = {SOUND_WAV,  SOUND_FLAC, SOUND_OGG,
                                                SOUND_OPUS, SOUND_MP3,  SOUND_PCM};

static void encode(enum sound_format f, const float *x, size_t n, size_t total, size_t block, struct tape *t)
{
    struct sound_encoder *enc;
    struct error e = {0};
    assert_int_equal(sound_encoder_create(f, total, record, t, &enc, &e), 0);
    for (size_t i = 0; i < n; i += block)
        if (sound_encoder_write(enc, x + i, n - i < block ? n - i : block, &e))
            fail_msg("%s: %s", sound_format_name(f), e.text);
    if (sound_encoder_finish(enc, &e))
        fail_msg("%s: %s", sound_format_name(f), e.text);
    sound_encoder_free(enc);
}

/* raw s16le as sound */
static void read_raw(const struct buf *b, struct pcm *ret)
{
    ret->rate = AUDIO_RATE;
    assert_int_equal(b->len % 2, 0);
    for (size_t i = 0; i < b->len; i += 2) {
        int16_t v = (int16_t)((uint8_t)b->ptr[i] | (unsigned)(uint8_t)b->ptr[i + 1] << 8);
        float x = (float)v / 32768;
        assert_int_equal(pcm_append(ret, &x, 1), 0);
    }
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    /* lossless: rounding to 16 bits leaves 80 dB, see above; lossy ones are held to what tells speech from
     * noise and to where the sound starts */
    static const double want_db[] = {[SOUND_WAV] = 80,  [SOUND_FLAC] = 80, [SOUND_OGG] = 20,
                                     [SOUND_OPUS] = 20, [SOUND_MP3] = 20,  [SOUND_PCM] = 80};
    static const size_t lengths[] = {60000, 4800, 2401};
    for (size_t l = 0; l < COUNT(lengths); l++)
        for (size_t k = 0; k < 2 * COUNT(all_formats); k++) {
            enum sound_format f = all_formats[k / 2];
            size_t n = lengths[l];
            float *x = make_tone(n, AUDIO_RATE);
            struct tape t = {0};
            encode(f, x, n, k % 2 ? n : 0, l ? 2400 : 777, &t);
            struct pcm p = {0};
            struct error e = {0};
            if (f == SOUND_PCM)
                read_raw(&t.bytes, &p);
            else if (sound_read_memory(t.bytes.ptr, t.bytes.len, &p, &e))
                fail_msg("%s: %s", sound_format_name(f), e.text);
            assert_int_equal(p.rate, AUDIO_RATE);
            if (f == SOUND_MP3)
                assert_in_range(p.len, n, n + 5 * 576);
            else
                assert_int_equal(p.len, n);
            size_t lag = 0;
            double db = best_snr_db(x, n, &p, f == SOUND_MP3 ? 2400 : 0, &lag);
            if (db < want_db[f])
                fail_msg("%s of %zu: %.1f dB", sound_format_name(f), n, db);
            pcm_release(&p);
            buf_release(&t.bytes);
            test_free(x);
        }
}

static void samples_are_rounded_and_clipped(void **state)
{
    (void)state;
    static const float x[] = {0,    0.4f / 32768, 0.6f / 32768, -0.6f / 32768,   1, -1, 2, -2, NAN, INFINITY,
                              0.5f, -1e30f,       -INFINITY,    32767.4f / 32768};
    static const int16_t want[] = {0, 0, 1, -1, 32767, -32768, 32767, -32768, 0, 0, 16384, -32768, 0, 32767};
    static const enum sound_format lossless[] = {SOUND_PCM, SOUND_WAV, SOUND_FLAC};
    for (size_t k = 0; k < COUNT(lossless); k++) {
        struct tape t = {0};
        encode(lossless[k], x, COUNT(x), COUNT(x), 5, &t);
        struct pcm p = {0};
        struct error e;
        if (lossless[k] == SOUND_PCM)
            read_raw(&t.bytes, &p);
        else
            assert_int_equal(sound_read_memory(t.bytes.ptr, t.bytes.len, &p, &e), 0);
        assert_int_equal(p.len, COUNT(x));
        for (size_t i = 0; i < p.len; i++)
            assert_float_equal(p.samples[i], (float)want[i] / 32768, 0);
        pcm_release(&p);
        buf_release(&t.bytes);
    }
    struct tape t = {0}; /* lossy ones must take them as well */
    float wild[480];
    for (int i = 0; i < 480; i++)
        wild[i] = x[i % (int)COUNT(x)];
    for (size_t k = 0; k < COUNT(all_formats); k++)
        encode(all_formats[k], wild, 480, 0, 480, &t);
    buf_release(&t.bytes);
}

static uint32_t get_u32(const struct buf *b, size_t at)
{
    const uint8_t *p = (const uint8_t *)b->ptr + at;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void wav_headers(void **state)
{
    (void)state;
    static const float x[1000];
    struct tape t = {0};
    encode(SOUND_WAV, x, 1000, 1000, 300, &t);
    assert_int_equal(t.bytes.len, 2044);
    assert_memory_equal(t.bytes.ptr, "RIFF", 4);
    assert_int_equal(get_u32(&t.bytes, 4), 2036);
    assert_memory_equal(t.bytes.ptr + 8, "WAVEfmt \x10\0\0\0\1\0\1\0", 16);
    assert_int_equal(get_u32(&t.bytes, 24), 24000);
    assert_int_equal(get_u32(&t.bytes, 28), 48000);
    assert_memory_equal(t.bytes.ptr + 32, "\2\0\x10\0data", 8);
    assert_int_equal(get_u32(&t.bytes, 40), 2000);
    buf_release(&t.bytes);

    t = (struct tape){0};
    encode(SOUND_WAV, x, 1000, 0, 300, &t);
    assert_int_equal(t.bytes.len, 2044);
    assert_int_equal(get_u32(&t.bytes, 4), UINT32_MAX);
    assert_int_equal(get_u32(&t.bytes, 40), UINT32_MAX);
    buf_release(&t.bytes);

    struct sound_encoder *enc = NULL;
    struct error e;
    assert_int_equal(sound_encoder_create(SOUND_WAV, (size_t)1 << 31, record, &t, &enc, &e), E_LIMIT);
    assert_null(enc);
}

/* Everything but flac must not wait for the end. */
static void sound_goes_out_while_it_is_made(void **state)
{
    (void)state;
    float *x = make_tone(48000, AUDIO_RATE);
    for (size_t k = 0; k < COUNT(all_formats); k++) {
        enum sound_format f = all_formats[k];
        struct tape t = {0};
        struct sound_encoder *enc;
        struct error e;
        assert_int_equal(sound_encoder_create(f, 0, record, &t, &enc, &e), 0);
        assert_int_equal(sound_encoder_write(enc, x, 48000, &e), 0);
        size_t early = t.bytes.len;
        assert_int_equal(sound_encoder_finish(enc, &e), 0);
        if (f == SOUND_FLAC)
            assert_int_equal(early, 0);
        else
            assert_true(early > t.bytes.len / 3);
        sound_encoder_free(enc);
        buf_release(&t.bytes);
    }
    test_free(x);
}

static void promises_must_be_kept(void **state)
{
    (void)state;
    static const float x[100];
    for (size_t k = 0; k < COUNT(all_formats); k++) {
        struct tape t = {0};
        struct sound_encoder *enc;
        struct error e;
        assert_int_equal(sound_encoder_create(all_formats[k], 150, record, &t, &enc, &e), 0);
        assert_int_equal(sound_encoder_write(enc, x, 100, &e), 0);
        assert_int_equal(sound_encoder_write(enc, x, 100, &e), E_ARG); /* more */
        assert_int_equal(sound_encoder_finish(enc, &e), E_ARG);
        sound_encoder_free(enc);
        assert_int_equal(sound_encoder_create(all_formats[k], 150, record, &t, &enc, &e), 0);
        assert_int_equal(sound_encoder_write(enc, x, 100, &e), 0);
        assert_int_equal(sound_encoder_finish(enc, &e), E_ARG); /* fewer */
        assert_non_null(strstr(e.text, "150"));
        sound_encoder_free(enc);
        assert_int_equal(sound_encoder_create(all_formats[k], 0, record, &t, &enc, &e), 0);
        assert_int_equal(sound_encoder_write(enc, x, 0, &e), 0);
        assert_int_equal(sound_encoder_finish(enc, &e), E_ARG); /* none */
        sound_encoder_free(enc);
        assert_int_equal(sound_encoder_create(all_formats[k], 0, record, &t, &enc, &e), 0);
        assert_int_equal(sound_encoder_write(enc, x, 100, &e), 0);
        assert_int_equal(sound_encoder_finish(enc, &e), 0);
        assert_int_equal(sound_encoder_finish(enc, &e), E_ARG); /* twice */
        assert_int_equal(sound_encoder_write(enc, x, 1, &e), E_ARG);
        sound_encoder_free(enc);
        buf_release(&t.bytes);
    }
    sound_encoder_free(NULL);
}

static void a_sink_that_fails_is_heard(void **state)
{
    (void)state;
    float *x = make_tone(48000, AUDIO_RATE);
    static const size_t at[] = {1, 100, 5000};
    for (size_t k = 0; k < COUNT(all_formats); k++)
        for (size_t i = 0; i < COUNT(at); i++) {
            struct tape t = {.fail_at = at[i]};
            struct sound_encoder *enc;
            struct error e = {0};
            int rc = sound_encoder_create(all_formats[k], 0, record, &t, &enc, &e);
            assert_int_equal(rc, 0);
            rc = sound_encoder_write(enc, x, 48000, &e);
            if (!rc)
                rc = sound_encoder_finish(enc, &e);
            assert_int_equal(rc, E_IO);
            assert_string_equal(e.text, "the listener has gone");
            size_t calls = t.calls;
            assert_int_equal(sound_encoder_write(enc, x, 10, &e) != 0, 1);
            assert_int_equal(sound_encoder_finish(enc, &e) != 0, 1);
            sound_encoder_free(enc);
            assert_int_equal(t.calls, calls); /* nothing goes out after a failure */
            buf_release(&t.bytes);
        }
    test_free(x);
}

static void an_abandoned_encoder_is_silent(void **state)
{
    (void)state;
    float *x = make_tone(4800, AUDIO_RATE);
    for (size_t k = 0; k < COUNT(all_formats); k++) {
        struct tape t = {0};
        struct sound_encoder *enc;
        struct error e;
        assert_int_equal(sound_encoder_create(all_formats[k], 0, record, &t, &enc, &e), 0);
        assert_int_equal(sound_encoder_write(enc, x, 4800, &e), 0);
        size_t calls = t.calls;
        sound_encoder_free(enc);
        assert_int_equal(t.calls, calls);
        buf_release(&t.bytes);
    }
    test_free(x);
}

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int want;
    } cases[] = {{"mp3", SOUND_MP3},
                 {"WAV", SOUND_WAV},
                 {"a/b.c/speech.Ogg", SOUND_OGG},
                 {"speech.tar.flac", SOUND_FLAC},
                 {".opus", SOUND_OPUS},
                 {"pcm", SOUND_PCM},
                 {"m4a", -1},
                 {"", -1},
                 {"speech.", -1},
                 {"dir.wav/speech", -1},
                 {"speech.wav ", -1},
                 {"./mp3", -1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum sound_format f = SOUND_WAV;
        struct error e = {0};
        int rc = sound_format_parse(cases[i].name, &f, &e);
        if (cases[i].want < 0) {
            assert_int_equal(rc, E_UNSUPPORTED);
            assert_non_null(strstr(e.text, "wav, flac, ogg, opus, mp3, pcm"));
        } else {
            assert_int_equal(rc, 0);
            assert_int_equal(f, cases[i].want);
        }
    }
    assert_string_equal(sound_format_mime(SOUND_MP3), "audio/mpeg");
    for (size_t k = 0; k < COUNT(all_formats); k++) {
        enum sound_format f;
        assert_int_equal(sound_format_parse(sound_format_name(all_formats[k]), &f, NULL), 0);
        assert_int_equal(f, all_formats[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kinds_of_files_are_read),
        cmocka_unit_test(mp3_is_read),
        cmocka_unit_test(what_is_no_sound_is_named),
        cmocka_unit_test(values_that_are_no_numbers),
        cmocka_unit_test(rates_and_channels_have_limits),
        cmocka_unit_test(headers_that_lie),
        cmocka_unit_test(truncated_files_give_what_is_there),
        cmocka_unit_test(long_clips),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(samples_are_rounded_and_clipped),
        cmocka_unit_test(wav_headers),
        cmocka_unit_test(sound_goes_out_while_it_is_made),
        cmocka_unit_test(promises_must_be_kept),
        cmocka_unit_test(a_sink_that_fails_is_heard),
        cmocka_unit_test(an_abandoned_encoder_is_silent),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests_name("sound_file", tests, make_path, remove_path);
}
