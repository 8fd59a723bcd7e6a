/* The bytes of lexicon.bin, put among the read-only data by the assembler: they are mapped with the
 * program and cost memory only where they are looked at. LEXICON_PATH comes from meson.build, and the
 * generated lexicon_stamp.h makes this file compile anew when the lexicon has changed. */
#include "text/lexicon.h"

#include "lexicon_stamp.h"

__asm__(".pushsection .rodata, \"a\"\n"
        ".globl ishow_lexicon_begin, ishow_lexicon_end\n"
        ".hidden ishow_lexicon_begin, ishow_lexicon_end\n"
        ".balign 64\n"
        "ishow_lexicon_begin:\n"
        ".incbin \"" LEXICON_PATH "\"\n"
        "ishow_lexicon_end:\n"
        ".byte 0\n"
        ".popsection\n");

extern const char ishow_lexicon_begin[] __attribute__((visibility("hidden")));
extern const char ishow_lexicon_end[] __attribute__((visibility("hidden")));

struct slice lexicon_file(void)
{
    return (struct slice){ishow_lexicon_begin, (size_t)(ishow_lexicon_end - ishow_lexicon_begin)};
}
