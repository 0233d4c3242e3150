/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as text: a refusal with a reason, or examples that can be read. The first byte chooses
 * the unit; behind the first NUL, if there is one, a second file begins. */
#include "../../plugins/sources/text/text.c"

#include "../unit/source-host.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const settings[] = {
    "path=path\0paths=[\"two\"]\0",
    "path=path\0paths=[\"two\"]\0keep-empty=true\0",
    "path=path\0paths=[\"two\"]\0unit=paragraph\0",
    "path=path\0paths=[\"two\"]\0unit=document\0",
  };
  size_t choice = size ? data[0] % (sizeof settings / sizeof settings[0]) : 0;
  const uint8_t *text = size ? data + 1 : data, *end = data + size;
  const uint8_t *middle = size > 1 ? memchr (text, 0, (size_t)(end - text)) : NULL;
  own.file_count = 0;
  own_file ("path", text, (size_t)((middle ? middle : end) - text));
  own_file ("two", middle ? middle + 1 : end, (size_t)(end - (middle ? middle + 1 : end)));
  own_try (settings[choice]);
  return 0;
}
