/* White space as Python's str.isspace and `\s` mean it, for code that must cut where the reference does. */
#ifndef ISHOW_TEXT_UNICODE_SPACE_H
#define ISHOW_TEXT_UNICODE_SPACE_H

#include <stdint.h>

static inline int is_unicode_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
}

#endif
