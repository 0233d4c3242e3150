/* SPDX-License-Identifier: Apache-2.0 */
/* The codecs: what comes back is as near as their definition says, whichever numbers and rows it is, zeros where it
 * promises them; what is too large for blocks of GGUF is named; and what can be refused is. */
#include "codec-at-work.h"

#include <float.h>
#include <math.h>

#include <adze/half.h>

/* ---- A tensor, its codes, and what comes back. */

enum { ROWS = 5, MOST = 512 };

typedef struct tensor {
  adze_tensor_meta meta;
  int64_t shape[2];
  uint64_t columns;
  float values[ROWS * MOST], back[ROWS * MOST];
  adze_coded coded;
  _Alignas (16) uint8_t planes[ADZE_PLANES_MAX][ROWS * MOST * 4];
  _Alignas (16) uint8_t found[64]; /* of what min-max needs */
} tensor;

static void
shape_it (tensor *t, uint64_t columns)
{
  memset (t, 0, sizeof *t);
  t->columns = columns;
  t->shape[0] = ROWS;
  t->shape[1] = (int64_t)columns;
  t->meta = (adze_tensor_meta){ .struct_size = sizeof t->meta,
                                .rank = 2,
                                .name = "t",
                                .shape = t->shape,
                                .dtype = { ADZE_FLOAT, 32, 1 } };
}

static const void *
observe (tensor *t)
{
  size_t size;
  uint64_t half = t->columns * 2;
  _Alignas (16) uint8_t rest[64] = { 0 };
  must (adze_codec_accumulator (use, &t->meta, &size));
  assert_true (size <= sizeof t->found);
  memset (t->found, 0, sizeof t->found);
  if (size == 0)
    return NULL;
  must (adze_codec_observe (use, &t->meta, t->values, 0, half, t->found));
  must (adze_codec_observe (use, &t->meta, t->values + half, half, ROWS * t->columns - half, rest));
  must (adze_codec_merge (use, t->found, rest));
  return t->found;
}

static adze_coding
rows_of (tensor *t, const void *found, uint64_t first, uint64_t count, float *values)
{
  adze_coding coding = { .struct_size = sizeof coding,
                         .meta = &t->meta,
                         .coded = &t->coded,
                         .found = found,
                         .first_row = first,
                         .row_count = count,
                         .columns = t->columns,
                         .values = values + first * t->columns };
  for (uint32_t i = 0; i < t->coded.plane_count; i++)
    coding.planes[i] = t->planes[i] + first * adze_plane_row_bytes (&t->coded, i, &t->meta);
  return coding;
}

/* All rows AT_ONCE of them at a time. */
static adze_error *
encode (tensor *t, uint64_t at_once)
{
  const void *found = observe (t);
  ADZE_TRY (adze_codec_describe (use, &t->meta, found, &t->coded));
  memset (t->planes, 0, sizeof t->planes);
  for (uint64_t first = 0; first < ROWS; first += at_once) {
    uint64_t count = ROWS - first < at_once ? ROWS - first : at_once;
    adze_coding coding = rows_of (t, found, first, count, t->values);
    ADZE_TRY (adze_codec_encode (use, &coding));
  }
  return NULL;
}

/* Decoding knows nothing of what was observed: a file has the planes alone. */
static void
decode (tensor *t)
{
  adze_coding coding = rows_of (t, NULL, 0, ROWS, t->back);
  must (adze_codec_decode (use, &coding));
}

/* ---- Numbers of every kind. */

static uint64_t state_of_random;

static double
uniform (void)
{
  state_of_random = state_of_random * UINT64_C (6364136223846793005) + UINT64_C (1442695040888963407);
  return ((double)(state_of_random >> 33) + 0.5) / 2147483648.0;
}

static float
gauss (void)
{
  return (float)(sqrt (-2 * log (uniform ())) * cos (6.283185307179586 * uniform ()));
}

typedef enum { GAUSS, HEAVY, CONSTANT, DENORMAL, ZERO, OUTLIER, TINY, HUGE_, SPARSE, KINDS } kind;

static const char *const kinds[] = { "Gaussian", "heavy tailed", "constant", "denormal", "zero",
                                     "one outlier", "tiny", "huge", "sparse" };

static float
number (kind what, uint64_t at)
{
  switch (what) {
  case GAUSS: return gauss ();
  case HEAVY: return (float)(gauss () / (0.05 + fabs (gauss ())));
  case CONSTANT: return -0.3f;
  case DENORMAL: return gauss () * 1e-40f;
  case ZERO: return 0;
  case OUTLIER: return at == 3 ? 300 : gauss () * 0.1f;
  case TINY: return gauss () * 1e-30f;
  case HUGE_: return at % 2 ? FLT_MAX : -FLT_MAX;
  default: return at % 3 ? 0 : gauss ();
  }
}

/* ---- How near. Each bound says how far NUMBER may be from what came back, by the numbers that share its scale,
 * COUNT of them. */

typedef double bound (double number, const float *cell, uint64_t count, uint32_t detail);

static double
greatest (const float *cell, uint64_t count)
{
  double most = 0;
  for (uint64_t i = 0; i < count; i++)
    most = fmax (most, fabs ((double)cell[i]));
  return most;
}

/* Half a step, of DETAIL steps from zero to the greatest. */
static double
symmetric (double number, const float *cell, uint64_t count, uint32_t detail)
{
  (void)number;
  return fmax (greatest (cell, count) / detail, FLT_MIN) / 2;
}

/* Half a step, of DETAIL steps from the least to the greatest; and the same again, by which zero was moved to a
 * step. */
static double
lopsided (double number, const float *cell, uint64_t count, uint32_t detail)
{
  double low = 0, high = 0;
  (void)number;
  for (uint64_t i = 0; i < count; i++) {
    low = fmin (low, (double)cell[i]);
    high = fmax (high, (double)cell[i]);
  }
  return fmax ((high - low) / detail, FLT_MIN);
}

/* Half a unit of the last of DETAIL digits, or of the least number that there is. */
static double
digits (double number, uint32_t count, double least)
{
  int exponent;
  frexp (number, &exponent);
  return fmax (ldexp (1, exponent - 2 - (int)count), least / 2);
}

static double
plain (double number, const float *cell, uint64_t count, uint32_t detail)
{
  (void)cell;
  (void)count;
  return digits (number, detail, detail == 10 ? 0x1p-24 : 0x1p-133);
}

static double
eight (double number, const float *cell, uint64_t count, uint32_t detail)
{
  double scale = fmax (greatest (cell, count) / (detail == 3 ? 448 : 57344), FLT_MIN);
  return scale * digits (number / scale, detail, detail == 3 ? 0x1p-9 : 0x1p-16);
}

static double
eight_unscaled (double number, const float *cell, uint64_t count, uint32_t detail)
{
  (void)cell;
  (void)count;
  return digits (number, detail, detail == 3 ? 0x1p-9 : 0x1p-16);
}

/* Half of the widest gap between neighbours of nf4's numbers. */
static double
sixteenths (double number, const float *cell, uint64_t count, uint32_t detail)
{
  double most = greatest (cell, count);
  (void)detail;
  return most * (number < 0 ? (1 - 0.6961928009986877) / 2 : (1 - 0.7229568362236023) / 2);
}

/* The mean of the magnitudes above BOUND. */
static double
mean_above (const float *cell, uint64_t count, double least)
{
  double sum = 0, above = 0;
  for (uint64_t i = 0; i < count; i++)
    if (fabs ((double)cell[i]) > least) {
      sum += fabs ((double)cell[i]);
      above++;
    }
  return above > 0 ? sum / above : 0;
}

/* What is beyond DETAIL tenths of the mean magnitude becomes the mean of such; else nothing is left of it. */
static double
kept (double number, const float *cell, uint64_t count, uint32_t detail)
{
  double least = detail / 10.0 * mean_above (cell, count, -1);
  return fabs (number) > least ? fabs (fabs (number) - mean_above (cell, count, least)) : fabs (number);
}

static double
sign (double number, const float *cell, uint64_t count, uint32_t detail)
{
  (void)detail;
  return fabs (fabs (number) - mean_above (cell, count, -1));
}

/* ---- The codecs. */

enum { WHOLE = -1, CHANNEL = 0 };

typedef struct subject {
  const char *id, *settings[4];
  bound *far;
  uint32_t detail;
  int cell;    /* numbers that share a scale: WHOLE, CHANNEL, or those of a group */
  double most; /* the largest number that may come */
  bool loses_zeros;
} subject;

static const subject subjects[] = {
  { "int8", { NULL }, symmetric, 127, CHANNEL, 0, false },
  { "int8", { "per = \"tensor\"" }, symmetric, 127, WHOLE, 0, false },
  { "int8", { "per = \"group\"", "group = 1" }, symmetric, 127, 1, 0, false },
  { "int8", { "symmetric = false" }, lopsided, 255, CHANNEL, 0, false },
  { "int4", { NULL }, symmetric, 7, CHANNEL, 0, false },
  { "int4", { "symmetric = false", "per = \"tensor\"" }, lopsided, 15, WHOLE, 0, false },
  { "int2", { NULL }, symmetric, 1, CHANNEL, 0, false },
  { "f16", { NULL }, plain, 10, CHANNEL, 65504, false },
  { "bf16", { NULL }, plain, 7, CHANNEL, 0x1.fep127, false },
  { "f8_e4m3", { NULL }, eight, 3, CHANNEL, 0, false },
  { "f8_e4m3", { "scale = \"tensor\"" }, eight, 3, WHOLE, 0, false },
  { "f8_e4m3", { "scale = \"none\"" }, eight_unscaled, 3, CHANNEL, 448, false },
  { "f8_e5m2", { NULL }, eight, 2, CHANNEL, 0, false },
  { "f8_e5m2", { "scale = \"none\"" }, eight_unscaled, 2, CHANNEL, 57344, false },
  { "nf4", { NULL }, sixteenths, 0, 64, 0, false },
  { "nf4", { "group = 7" }, sixteenths, 0, 7, 0, false },
  { "ternary", { NULL }, kept, 7, CHANNEL, 0, false },
  { "ternary", { "per = \"group\"" }, kept, 7, 64, 0, false },
  { "binary", { NULL }, sign, 0, CHANNEL, 0, true },
  { "binary", { "per = \"group\"", "group = 5" }, sign, 0, 5, 0, true },
};

static const float *
cell_of (const subject *s, const tensor *t, uint64_t at, uint64_t *count)
{
  uint64_t column = at % t->columns, first = s->cell > 0 ? column - column % (uint64_t)s->cell : 0;
  if (s->cell == WHOLE) {
    *count = ROWS * t->columns;
    return t->values;
  }
  *count = t->columns - first;
  if (s->cell > 0 && *count > (uint64_t)s->cell)
    *count = (uint64_t)s->cell;
  return t->values + at - column + first;
}

static void
check_near (const subject *s, const tensor *t, kind what)
{
  for (uint64_t at = 0; at < ROWS * t->columns; at++) {
    uint64_t count;
    const float *cell = cell_of (s, t, at, &count);
    double number = (double)t->values[at], back = (double)t->back[at];
    double far = s->far (number, cell, count, s->detail) * (1 + 1e-5) + 0x1p-149;
    /* Scales of float32 are rounded themselves. */
    far += 1e-6 * fabs (number);
    if (!(fabs (number - back) <= far))
      fail_msg ("%s %s, %s, rows of %d: element %d is %.9g and comes back as %.9g, further than %.9g",
                s->id, s->settings[0] ? s->settings[0] : "", kinds[what], (int)t->columns, (int)at,
                number, back, far);
    if (!s->loses_zeros && number == 0 && back != 0)
      fail_msg ("%s, %s: element %d is zero and comes back as %.9g", s->id, kinds[what], (int)at, back);
  }
}

/* Some rows and all of them give the same bytes. */
static void
check_pieces (const subject *s, tensor *t)
{
  static uint8_t before[sizeof t->planes];
  memcpy (before, t->planes, sizeof before);
  for (uint64_t at_once = 1; at_once < 4; at_once++) {
    must (encode (t, at_once));
    if (memcmp (before, t->planes, sizeof before) != 0)
      fail_msg ("%s: %d rows at once give other bytes", s->id, (int)at_once);
  }
}

static void
what_comes_back_is_near (void **state)
{
  static tensor t;
  static const uint64_t widths[] = { 1, 3, 7, 64, 65, 129, 500 };
  (void)state;
  for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
    const subject *s = &subjects[i];
    open_codec (s->id, s->settings);
    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++)
      for (kind what = 0; what < KINDS; what++) {
        shape_it (&t, widths[w]);
        for (uint64_t at = 0; at < ROWS * t.columns; at++) {
          float made = number (what, at);
          t.values[at] = s->most > 0 ? (float)fmax (-s->most, fmin (s->most, (double)made)) : made;
        }
        must (encode (&t, ROWS));
        decode (&t);
        check_near (s, &t, what);
        check_pieces (s, &t);
      }
  }
}

/* ---- Single numbers, and what is refused. */

/* The bytes of the first four numbers as plane 0 has them, SIZE of them. */
static void
becomes (const char *id, const char *setting, const float *numbers, const char *bytes, size_t size)
{
  static tensor t;
  const char *const settings[] = { setting, NULL };
  open_codec (id, settings);
  shape_it (&t, 4);
  memcpy (t.values, numbers, 4 * sizeof *numbers);
  must (encode (&t, ROWS));
  assert_memory_equal (t.planes[0], bytes, size);
}

static void
of_two_equally_near_ones_the_even_one_is_taken (void **state)
{
  (void)state;
  const float digits4[] = { 1.0625f, -1.1875f, 17, 19 };
  becomes ("f8_e4m3", "scale = \"none\"", digits4, "\x38\xba\x58\x5a", 4);
  const float small4[] = { 0x1p-10f, 0x1.8p-9f, -0x1p-9f, 0x1.1p-10f };
  becomes ("f8_e4m3", "scale = \"none\"", small4, "\x00\x02\x81\x01", 4);
  const float most4[] = { 448, 464, 464.1f, -1e30f };
  becomes ("f8_e4m3", "scale = \"none\"", most4, "\x7e\x7e\x7e\xfe", 4);
  const float most5[] = { 57344, 61439, 61440, -1e30f };
  becomes ("f8_e5m2", "scale = \"none\"", most5, "\x7b\x7b\x7b\xfb", 4);
  const float digits5[] = { 1.125f, 1.375f, -0.0f, 0x1p-16f };
  becomes ("f8_e5m2", "scale = \"none\"", digits5, "\x3c\x3e\x80\x01", 4);
  const float halves[] = { 1, -2, 65519, 1e9f };
  becomes ("f16", "overflow = \"clamp\"", halves, "\x00\x3c\x00\xc0\xff\x7b\xff\x7b", 8);
  const float bfloats[] = { 1, -2, 3.4e38f, -FLT_MAX };
  becomes ("bf16", "overflow = \"clamp\"", bfloats, "\x80\x3f\x00\xc0\x7f\x7f\x7f\xff", 8);
}

/* What the table's places are, and which bits of a byte come first. */
static void
codes_lie_as_the_page_says (void **state)
{
  (void)state;
  const float some[] = { 1, -1, 0, 0.1f };
  becomes ("nf4", NULL, some, "\x0f\x87", 2);
  becomes ("ternary", NULL, some, "\x09", 1);
  becomes ("binary", NULL, some, "\x0d", 1);
  const float zeros[] = { 0, 0, -0.0f, 0 };
  becomes ("nf4", NULL, zeros, "\x77\x77", 2);
  becomes ("ternary", NULL, zeros, "\x00", 1);
  becomes ("binary", NULL, zeros, "\x0f", 1);
}

static void
what_is_too_large_is_named (void **state)
{
  static tensor t;
  static const char *const none[] = { NULL };
  (void)state;
  open_codec ("f16", none);
  shape_it (&t, 7);
  t.values[10] = -65520;
  t.values[11] = 1e9f;
  for (uint64_t at_once = 1; at_once <= ROWS; at_once += 4)
    must_fail (encode (&t, at_once), ADZE_E_LIMIT, "'t'", "element 10 is -65520", "f16 is 65504",
               "overflow = \"clamp\"", NULL);
  t.values[10] = 65519;
  t.values[11] = 0;
  must (encode (&t, ROWS));
  open_codec ("bf16", none);
  t.values[34] = FLT_MAX;
  must_fail (encode (&t, 2), ADZE_E_LIMIT, "element 34 is 3.40282347e+38", NULL);
}

/* ---- Blocks of GGUF of large numbers. */

static const char *const blocks[] = { "q2_k", "q3_k",   "q4_k",   "q5_k",  "q6_k",  "q8_0", "q4_0", "q4_1",
                                      "q5_0", "q5_1", "iq4_nl", "iq4_xs", "mxfp4", "tq1_0", "tq2_0" };

/* The greatest number that each is sure to have. */
static double
block_end (const char *id)
{
  if (id[0] == 't' || strcmp (id, "q4_1") == 0 || strcmp (id, "q5_1") == 0)
    return 65504;
  return strcmp (id, "mxfp4") == 0 ? (double)FLT_MAX : 5e5;
}

/* Of magnitudes up to MOST, of which MOST is one and is in the second block; the first has none above 1. */
static void
fill_blocks (tensor *t, double most)
{
  shape_it (t, MOST);
  for (uint64_t at = 0; at < ROWS * MOST; at++)
    t->values[at] = (float)((at < 256 ? 1 : most) * (2 * uniform () - 1));
  t->values[300] = (float)-most;
}

/* Nothing that is not finite, and not zeros either. */
static void
check_blocks (const char *id, const tensor *t, double most)
{
  for (uint64_t at = 0; at < ROWS * MOST; at++)
    if (!(fabs ((double)t->back[at] - (double)t->values[at]) <= 0.6 * most))
      fail_msg ("%s: element %d is %g and comes back as %g", id, (int)at, (double)t->values[at],
                (double)t->back[at]);
}

/* Up to 6.55e4 they all have what comes, and from 3e8 on mxfp4 alone. */
static void
a_block_has_its_numbers_or_is_refused (void **state)
{
  static tensor t;
  static const double mosts[] = { 6.55e4, 6.6e4, 1e6, 1e8, 1e10, 1e15, 1e17, 1e19, 1e30, (double)FLT_MAX };
  static const char *const none[] = { NULL };
  (void)state;
  for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
    for (size_t m = 0; m < sizeof mosts / sizeof mosts[0]; m++)
      for (uint64_t at_once = 1; at_once <= ROWS; at_once += 4) {
        char name[64];
        snprintf (name, sizeof name, "too large for a block of %s,", blocks[i]);
        open_codec (blocks[i], none);
        fill_blocks (&t, mosts[m]);
        adze_error *failed = encode (&t, at_once);
        if (!failed) {
          decode (&t);
          check_blocks (blocks[i], &t, mosts[m]);
          assert_true (mosts[m] < 3e8 || strcmp (blocks[i], "mxfp4") == 0);
          continue;
        }
        assert_true (mosts[m] > block_end (blocks[i]));
        must_fail (failed, ADZE_E_LIMIT, "tensor 't': the ", " numbers from element ", name, "skip = true", NULL);
      }
}

/* Of some rows of a tensor, it is the tensor's element that is named. */
static void
the_first_block_of_large_numbers_is_named (void **state)
{
  static tensor t;
  static const char *const none[] = { NULL };
  (void)state;
  for (uint64_t at_once = 1; at_once <= ROWS; at_once++)
    for (int k = 0; k < 2; k++) {
      shape_it (&t, MOST);
      for (uint64_t at = 0; at < ROWS * MOST; at++)
        t.values[at] = gauss ();
      t.values[3 * MOST + 70] = -1e18f;
      t.values[4 * MOST] = 1e30f;
      open_codec (k ? "q6_k" : "q8_0", none);
      must_fail (encode (&t, at_once), ADZE_E_LIMIT, "tensor 't'",
                 k ? "the 256 numbers from element 1536 on" : "the 32 numbers from element 1600 on",
                 "magnitude of 9.99999984e+17", NULL);
    }
}

static void
rows_that_are_no_groups_are_refused (void **state)
{
  static tensor t;
  static const char *const eights[] = { "per = \"group\"", "group = 8", NULL };
  (void)state;
  open_codec ("int8", eights);
  shape_it (&t, 60);
  must_fail (encode (&t, ROWS), ADZE_E_UNSUPPORTED, "'t' has 60 numbers in a channel",
             "no groups of 8", NULL);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (what_comes_back_is_near),
    cmocka_unit_test (of_two_equally_near_ones_the_even_one_is_taken),
    cmocka_unit_test (codes_lie_as_the_page_says),
    cmocka_unit_test (what_is_too_large_is_named),
    cmocka_unit_test (a_block_has_its_numbers_or_is_refused),
    cmocka_unit_test (the_first_block_of_large_numbers_is_named),
    cmocka_unit_test (rows_that_are_no_groups_are_refused),
  };
  if (!files_are_loaded ())
    return 0;
  return cmocka_run_group_tests (tests, set_up, tear_down);
}
