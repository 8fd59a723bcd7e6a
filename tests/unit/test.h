/* What every cmocka test includes, in the order cmocka wants. */
#ifndef ISHOW_TESTS_TEST_H
#define ISHOW_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#endif
