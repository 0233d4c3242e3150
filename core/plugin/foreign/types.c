/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/types.c: C types by name, what each shape of function offers to its arguments,
 * and versions. All of it constant. */
#include <stdio.h>
#include <string.h>

#include <adze/kernel.h>

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

/* In the order of adze_kernel_gemm_f32: a function whose arguments are these, in this order and of
 * these types, is called through the typedef. */
static const adze_foreign_source gemm_sources[] = {
  { "transpose_a", "int32", true }, { "transpose_b", "int32", true }, { "m", "int64", true },
  { "n", "int64", true },           { "k", "int64", true },           { "alpha", "float", true },
  { "a", "pointer", true },         { "lda", "int64", true },         { "b", "pointer", true },
  { "ldb", "int64", true },         { "beta", "float", true },        { "c", "pointer", true },
  { "ldc", "int64", true },
};

static const adze_foreign_source map_sources[] = { { "x", NULL, true } };

/* A function that works in place asks for "output" alone, which then begins as a copy. */
static const adze_foreign_source buffer_sources[] = {
  { "data", "pointer", false },
  { "output", "pointer", true },
  { "count", "int64", true },
};

const adze_foreign_source *
adze_foreign_sources (adze_foreign_shape shape, size_t *count)
{
  switch (shape) {
  case ADZE_FOREIGN_MAP:
    *count = ADZE_COUNT_OF (map_sources);
    return map_sources;
  case ADZE_FOREIGN_BUFFER:
    *count = ADZE_COUNT_OF (buffer_sources);
    return buffer_sources;
  case ADZE_FOREIGN_GEMM_F32:
  default:
    *count = ADZE_COUNT_OF (gemm_sources);
    return gemm_sources;
  }
}

const char *
adze_foreign_function_name (const adze_foreign_function *function)
{
  return function->component ? function->component->id : ADZE_KERNEL_GEMM_F32;
}

const char *
adze_foreign_source_name (const adze_foreign_function *function, uint32_t source, char *text)
{
  size_t own = 0;
  const adze_foreign_source *sources = adze_foreign_sources (function->shape, &own);
  if (source < own)
    snprintf (text, 80, "%s", sources[source].name);
  else
    snprintf (text, 80, "param.%s", function->component->params[source - own].name);
  return text;
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
