/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/types.c: C types by name, and versions. All of it constant. */
#include <string.h>

#include "plugin/foreign/table.h"

#define INTEGER(name, type) { (name), ADZE_C_INTEGER, (type)-1 < (type)1, sizeof (type) }

static const adze_c_type types[] = {
  { "void", ADZE_C_VOID, false, 0 },
  INTEGER ("int8", int8_t),
  INTEGER ("uint8", uint8_t),
  INTEGER ("int16", int16_t),
  INTEGER ("uint16", uint16_t),
  INTEGER ("int32", int32_t),
  INTEGER ("uint32", uint32_t),
  INTEGER ("int64", int64_t),
  INTEGER ("uint64", uint64_t),
  INTEGER ("int", int),
  INTEGER ("unsigned int", unsigned int),
  INTEGER ("long", long),
  INTEGER ("unsigned long", unsigned long),
  INTEGER ("size_t", size_t),
  { "float", ADZE_C_REAL, true, sizeof (float) },
  { "double", ADZE_C_REAL, true, sizeof (double) },
  { "pointer", ADZE_C_POINTER, false, sizeof (void *) },
};

const adze_c_type *
adze_c_type_find (const char *name)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (types); i++)
    if (strcmp (types[i].name, name) == 0)
      return &types[i];
  return NULL;
}

const char *
adze_c_type_nearest (const char *name)
{
  const char *names[ADZE_COUNT_OF (types)];
  for (size_t i = 0; i < ADZE_COUNT_OF (types); i++)
    names[i] = types[i].name;
  return adze_nearest (name, names, ADZE_COUNT_OF (types));
}

bool
adze_c_type_same (const adze_c_type *a, const adze_c_type *b)
{
  return a->sort == b->sort && a->is_signed == b->is_signed && a->size == b->size;
}

void
adze_c_type_limits (const adze_c_type *type, int64_t *low, int64_t *high)
{
  unsigned bits = (unsigned)type->size * 8;
  if (type->is_signed) {
    *high = (int64_t)(UINT64_MAX >> (65 - bits));
    *low = -*high - 1;
  } else {
    *low = 0;
    *high = bits == 64 ? INT64_MAX : (int64_t)(UINT64_MAX >> (64 - bits));
  }
}

/* Digits and dots from TEXT on; false when a part is too large to be one. */
static bool
version_take (const char **text, adze_foreign_version *version)
{
  const char *at = *text;
  *version = (adze_foreign_version){ { 0 } };
  for (size_t i = 0; i < ADZE_COUNT_OF (version->part); i++) {
    uint32_t part = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
      if (part > 99999999)
        return false;
      part = part * 10 + (uint32_t)(*at - '0');
    }
    version->part[i] = part;
    if (at[0] != '.' || at[1] < '0' || at[1] > '9')
      break;
    at++;
  }
  *text = at;
  return true;
}

bool
adze_foreign_version_parse (const char *text, adze_foreign_version *version)
{
  while (*text && (*text < '0' || *text > '9'))
    text++;
  return *text && version_take (&text, version);
}

static int
version_compare (const adze_foreign_version *a, const adze_foreign_version *b)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (a->part); i++)
    if (a->part[i] != b->part[i])
      return a->part[i] < b->part[i] ? -1 : 1;
  return 0;
}

/* ">= 3" and the like at the front of *TEXT. */
static bool
bound_holds (const char **text, const adze_foreign_version *version, bool *holds)
{
  static const struct {
    const char *sign;
    bool less, equal, more;
  } signs[] = {
    { ">=", false, true, true }, { "<=", true, true, false }, { ">", false, false, true },
    { "<", true, false, false }, { "=", false, true, false },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (signs); i++) {
    size_t size = strlen (signs[i].sign);
    if (strncmp (*text, signs[i].sign, size) != 0)
      continue;
    *text += size;
    *text += strspn (*text, " ");
    adze_foreign_version bound;
    if (**text < '0' || **text > '9' || !version_take (text, &bound))
      return false;
    int order = version_compare (version, &bound);
    *holds = order < 0 ? signs[i].less : order > 0 ? signs[i].more : signs[i].equal;
    return true;
  }
  return false;
}

bool
adze_foreign_version_within (const char *range, const adze_foreign_version *version, bool *within)
{
  bool all = true;
  for (;;) {
    bool holds = false;
    range += strspn (range, " ");
    if (!bound_holds (&range, version, &holds))
      return false;
    all = all && holds;
    range += strspn (range, " ");
    if (*range == '\0')
      break;
    if (*range++ != ',')
      return false;
  }
  if (within)
    *within = all;
  return true;
}
