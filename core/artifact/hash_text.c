/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/hash_text.c: a hash as text and back. */
#include "artifact/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
adze_hash_text (adze_hash128 hash, char text[ADZE_HASH_TEXT])
{
  snprintf (text, ADZE_HASH_TEXT, "%016" PRIx64 "%016" PRIx64, hash.high, hash.low);
}

static bool
read_half (const char *text, uint64_t *half)
{
  *half = 0;
  for (int i = 0; i < 16; i++) {
    const char *digits = "0123456789abcdef";
    const char *digit = text[i] ? strchr (digits, text[i]) : NULL;
    if (!digit)
      return false;
    *half = *half << 4 | (uint64_t)(digit - digits);
  }
  return true;
}

bool
adze_hash_parse (const char *text, adze_hash128 *hash)
{
  adze_hash128 read;
  if (!read_half (text, &read.high) || !read_half (text + 16, &read.low) || text[32] != '\0')
    return false;
  *hash = read;
  return true;
}
