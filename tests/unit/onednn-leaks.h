/* SPDX-License-Identifier: Apache-2.0 */
/* What a test that opens the backend onednn asks of the sanitizer that looks for leaks. */
#ifndef ADZE_TESTS_ONEDNN_LEAKS_H
#define ADZE_TESTS_ONEDNN_LEAKS_H

/* As build-aux/onednn.supp, which says why: a build with sanitizers asks for these by name. */
#define ASKED_FOR __attribute__ ((visibility ("default"), used))
ASKED_FOR const char *__lsan_default_options (void);
ASKED_FOR const char *__lsan_default_suppressions (void);

const char *
__lsan_default_options (void)
{
  return "use_tls=0:print_suppressions=0";
}

const char *
__lsan_default_suppressions (void)
{
  return "leak:_dlerror_run\nleak:dl_exception_create\n";
}

#endif
