/* SPDX-License-Identifier: Apache-2.0 */
/* The ranges of int's codes: what each rule promises of what is cut off and of the error, the same whatever the
 * parts were that a tensor was seen in; and channels that lie across the rows. */
#include "codec-at-work.h"

#include <float.h>
#include <math.h>

/* ---- A tensor. */

enum { MOST = 1 << 16, SEEN = 128 << 10 };

typedef struct tensor {
  adze_tensor_meta meta;
  int64_t shape[4];
  uint64_t count;
  float values[MOST], back[MOST];
  adze_coded coded;
  _Alignas (16) uint8_t planes[ADZE_PLANES_MAX][MOST];
  _Alignas (16) uint8_t found[SEEN];
  size_t found_size;
  uint64_t clipped;
} tensor;

static tensor t;

static void
shape_it (int32_t rank, int64_t a, int64_t b, int64_t c)
{
  memset (&t, 0, sizeof t);
  t.shape[0] = a;
  t.shape[1] = b;
  t.shape[2] = c;
  t.count = (uint64_t)(a * b * c);
  t.meta = (adze_tensor_meta){ .struct_size = sizeof t.meta,
                               .rank = rank,
                               .name = "t",
                               .shape = t.shape,
                               .dtype = { ADZE_FLOAT, 32, 1 } };
}

/* In parts of AT_ONCE numbers, merged in pairs from the left, or all into the first. */
static void
observe (uint64_t at_once, bool in_pairs, uint8_t *found)
{
  static _Alignas (16) uint8_t parts[2][SEEN];
  memset (found, 0, SEEN);
  memset (parts, 0, sizeof parts);
  uint32_t part = 0;
  for (uint64_t first = 0; first < t.count; first += at_once) {
    uint64_t some = t.count - first < at_once ? t.count - first : at_once;
    memset (parts[part], 0, SEEN);
    must (adze_codec_observe (use, &t.meta, t.values + first, first, some, parts[part]));
    if (in_pairs && part == 0) {
      part = 1;
      continue;
    }
    if (in_pairs)
      must (adze_codec_merge (use, parts[0], parts[1]));
    must (adze_codec_merge (use, found, parts[0]));
    memset (parts[0], 0, SEEN);
    part = 0;
  }
  if (part == 1)
    must (adze_codec_merge (use, found, parts[0]));
}

static adze_coding
all_rows (float *values)
{
  adze_coding coding = { .struct_size = sizeof coding,
                         .meta = &t.meta,
                         .coded = &t.coded,
                         .found = t.found_size ? t.found : NULL,
                         .row_count = adze_coded_rows (&t.coded, &t.meta),
                         .columns = adze_coded_columns (&t.coded, &t.meta),
                         .values = values };
  for (uint32_t i = 0; i < t.coded.plane_count; i++)
    coding.planes[i] = t.planes[i];
  return coding;
}

static void
see (void)
{
  adze_field fields[16];
  uint32_t told = 0;
  must (adze_codec_accumulator (use, &t.meta, &t.found_size));
  assert_true (t.found_size <= SEEN);
  if (t.found_size > 0) {
    observe (1000, false, t.found);
    must (adze_codec_decide (use, &t.meta, t.found, fields, 16, &told));
  }
  for (uint32_t i = 0; i < told; i++)
    if (strcmp (fields[i].key, "clipped") == 0)
      t.clipped = (uint64_t)fields[i].value.integer;
}

/* Returns the sum of the squares of what the numbers are moved by. */
static double
there_and_back (void)
{
  double sum = 0;
  see ();
  must (adze_codec_describe (use, &t.meta, t.found_size ? t.found : NULL, &t.coded));
  adze_coding coding = all_rows (t.values);
  must (adze_codec_encode (use, &coding));
  coding = all_rows (t.back);
  must (adze_codec_decode (use, &coding));
  for (uint64_t i = 0; i < t.count; i++) {
    double off = (double)t.back[i] - (double)t.values[i];
    if (t.values[i] == 0 && t.back[i] != 0)
      fail_msg ("element %d is zero and comes back as %g", (int)i, (double)t.back[i]);
    sum += off * off;
  }
  return sum;
}

/* ---- Numbers. */

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

typedef enum { GAUSS, HEAVY, OUTLIER, SPARSE, ONE_SIDE, CONSTANT, ZERO, TINY, HUGE_, KINDS } kind;

static void
fill (kind what)
{
  state_of_random = 7;
  for (uint64_t i = 0; i < t.count; i++) {
    float g = gauss ();
    t.values[i] = what == HEAVY      ? g / (0.02f + fabsf (gauss ()))
                  : what == OUTLIER  ? (i == 77 ? -3000 : g)
                  : what == SPARSE   ? (i % 5 ? 0 : g)
                  : what == ONE_SIDE ? fabsf (g) + 0.5f
                  : what == CONSTANT ? 0.3f
                  : what == ZERO     ? 0
                  : what == TINY     ? g * 1e-39f
                  : what == HUGE_    ? (i % 2 ? FLT_MAX : -FLT_MAX) * (1 - (float)(i % 7) / 8)
                                     : g;
  }
}

/* ---- What is found. */

static void
parts_do_not_matter (void **state)
{
  static const char *const ways[][4] = {
    { "per = \"tensor\"", "range = \"mse\"", NULL },
    { "per = \"tensor\"", "range = \"mse\"", "symmetric = false", NULL },
    { "per = \"tensor\"", NULL },
  };
  static _Alignas (16) uint8_t again[SEEN];
  (void)state;
  for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++)
    for (kind what = 0; what < KINDS; what++) {
      open_codec ("int8", ways[w]);
      shape_it (2, 16, 500, 1);
      fill (what);
      observe (t.count, false, t.found);
      for (uint64_t at_once = 1; at_once < t.count; at_once = at_once * 13 + 6)
        for (uint32_t pairs = 0; pairs < 2; pairs++) {
          observe (at_once, pairs == 1, again);
          if (memcmp (t.found, again, SEEN) != 0)
            fail_msg ("way %d, kind %d: parts of %d numbers give another word", (int)w, (int)what,
                      (int)at_once);
        }
    }
}

/* ---- Percentile. */

static uint64_t
further_than (float end)
{
  uint64_t count = 0;
  for (uint64_t i = 0; i < t.count; i++)
    count += fabsf (t.values[i]) > end;
  return count;
}

static void
as_many_are_cut_off_as_a_percentile_says (void **state)
{
  static const char *const of_tensor[] = { "per = \"tensor\"", "range = \"percentile\"", "percentile = 99", NULL };
  static const char *const of_channel[] = { "range = \"percentile\"", "percentile = 99", NULL };
  (void)state;
  for (kind what = GAUSS; what <= OUTLIER; what++) {
    shape_it (2, 1, 20000, 1);
    fill (what);
    open_codec ("int8", of_channel);
    there_and_back ();
    /* 200 of 20000, exactly, since a channel is at hand; of a tensor, within a 256th of the range. */
    float scale = *(const float *)t.planes[1];
    assert_int_equal (further_than (scale * 127.0001f), 200);
    open_codec ("int8", of_tensor);
    there_and_back ();
    float wider = *(const float *)t.planes[1];
    assert_true (wider >= scale && wider <= scale * 1.004f);
    assert_int_equal (further_than (wider * 127.0001f), t.clipped);
    assert_true (t.clipped <= 200 && t.clipped > 180);
  }
}

static void
zeros_do_not_count_for_a_percentile (void **state)
{
  static const char *const settings[] = { "per = \"tensor\"", "range = \"percentile\"", "percentile = 50", NULL };
  (void)state;
  shape_it (2, 4, 100, 1);
  t.values[3] = 5;
  t.values[300] = -4;
  open_codec ("int8", settings);
  there_and_back ();
  assert_true (t.back[300] <= -3.9f && t.back[3] < 4.1f);
}

/* ---- MSE. */

static const char *const codecs[] = { "int8", "int4", "int2" };
static const char *const pers[] = { "per = \"tensor\"", "per = \"channel\"", "per = \"group\"" };
static const char *const sides[] = { "symmetric = true", "symmetric = false" };

static double
error_by (const char *codec, const char *per, const char *side, const char *range)
{
  const char *const settings[] = { per, side, range, NULL };
  open_codec (codec, settings);
  return there_and_back ();
}

static void
least_squares_are_no_more_than_those_of_min_max (void **state)
{
  (void)state;
  shape_it (2, 16, 512, 1);
  for (uint32_t c = 0; c < 3; c++)
    for (uint32_t p = 0; p < 3; p++)
      for (uint32_t s = 0; s < 2; s++)
        for (kind what = 0; what < HUGE_; what++) {
          fill (what);
          double plain = error_by (codecs[c], pers[p], sides[s], "range = \"min-max\"");
          double least = error_by (codecs[c], pers[p], sides[s], "range = \"mse\"");
          /* Of a tensor it is reckoned from how many numbers there are of which size. */
          if (!(least <= plain * (p == 0 ? 1.002 : 1)))
            fail_msg ("%s, %s, %s, kind %d: %g squares, and min-max has %g", codecs[c], pers[p],
                      sides[s], (int)what, least, plain);
        }
}

static void
a_normal_distribution_gets_the_range_that_is_known_to_be_best (void **state)
{
  (void)state;
  /* Of 15 levels the outermost is best at 2.5 deviations, about; of 3, at 1.22. */
  shape_it (2, 1, MOST, 1);
  fill (GAUSS);
  for (uint32_t p = 0; p < 2; p++) {
    error_by ("int4", pers[p], sides[0], "range = \"mse\"");
    float reach = 7 * *(const float *)t.planes[1];
    assert_true (reach > 2.3f && reach < 2.8f);
    error_by ("int2", pers[p], sides[0], "range = \"mse\"");
    reach = *(const float *)t.planes[1];
    assert_true (reach > 1.15f && reach < 1.3f);
  }
}

/* ---- Entropy. */

static void
entropy_cuts_an_outlier_off_and_leaves_what_is_even (void **state)
{
  (void)state;
  shape_it (2, 1, MOST, 1);
  for (uint32_t p = 0; p < 2; p++)
    for (uint32_t s = 0; s < 2; s++) {
      fill (OUTLIER);
      error_by ("int8", pers[p], sides[s], "range = \"entropy\"");
      float reach = 127 * *(const float *)t.planes[1];
      assert_true (reach > 2.5f && reach < 12);
      for (uint64_t i = 0; i < t.count; i++)
        t.values[i] = (float)(2 * uniform () - 1);
      error_by ("int8", pers[p], sides[s], "range = \"entropy\"");
      reach = 127 * *(const float *)t.planes[1];
      assert_true (reach > 0.9f && reach < 1.01f);
    }
}

/* Of row R of CHANNELS; the sum of squares, and numbers that are off by more than a step, which are cut off. */
static double
squares_of_row (uint64_t channels, uint64_t r, float step, uint64_t *cut)
{
  uint64_t columns = t.count / channels;
  double sum = 0;
  *cut = 0;
  for (uint64_t i = r * columns; i < (r + 1) * columns; i++) {
    double off = (double)t.back[i] - (double)t.values[i];
    sum += off * off;
    *cut += fabs (off) > (double)step * 1.001;
  }
  return sum;
}

typedef struct row_errors {
  double squares[MOST / 16];
  uint64_t cut[MOST / 16];
} row_errors;

static void
errors_of_rows (const char *codec, uint32_t p, uint32_t s, const char *range, row_errors *found)
{
  error_by (codec, pers[p], sides[s], range);
  uint64_t rows = adze_coded_rows (&t.coded, &t.meta);
  for (uint64_t r = 0; r < rows; r++)
    found->squares[r] = squares_of_row (rows, r, ((const float *)t.planes[1])[p == 0 ? 0 : r], &found->cut[r]);
}

/* Of few numbers and of many, a normal distribution is no worse for it than twice; and whatever the numbers are, no
 * more of them are cut off than a code has if each has as many. */
static void
entropy_never_loses_a_row (void **state)
{
  static row_errors plain, found;
  (void)state;
  for (uint32_t c = 0; c < 3; c++)
    for (uint32_t s = 0; s < 2; s++)
      for (int64_t columns = 16; columns <= 16384; columns *= 4)
        for (kind what = 0; what < KINDS; what++)
          for (uint32_t p = 0; p < 2; p++) {
            uint64_t rows = MOST / (uint64_t)columns > 24 ? 24 : MOST / (uint64_t)columns;
            rows = p == 0 ? 1 : rows;
            shape_it (2, (int64_t)rows, columns, 1);
            fill (what);
            errors_of_rows (codecs[c], p, s, "range = \"min-max\"", &plain);
            errors_of_rows (codecs[c], p, s, "range = \"entropy\"", &found);
            for (uint64_t r = 0; r < rows; r++) {
              if (found.cut[r] > (uint64_t)columns >> (8 >> c))
                fail_msg ("%s, %s, kind %d, rows of %d: %d numbers of row %d are cut off", codecs[c], sides[s],
                          (int)what, (int)columns, (int)found.cut[r], (int)r);
              if (what == GAUSS && !(sqrt (found.squares[r]) <= 2 * sqrt (plain.squares[r])))
                fail_msg ("%s, %s, rows of %d: row %d has an error of %g, and %g by min-max", codecs[c], sides[s],
                          (int)columns, (int)r, sqrt (found.squares[r]), sqrt (plain.squares[r]));
            }
          }
}

/* Many numbers that are just the greatest one, which begins a bucket: they stay. */
static void
entropy_keeps_what_many_numbers_are (void **state)
{
  (void)state;
  shape_it (2, 1, 16384, 1);
  for (uint32_t p = 0; p < 2; p++)
    for (uint32_t s = 0; s < 2; s++) {
      fill (GAUSS);
      for (uint64_t i = 0; i < t.count; i++)
        t.values[i] = fmaxf (-1, fminf (1, t.values[i]));
      error_by ("int8", pers[p], sides[s], "range = \"entropy\"");
      for (uint64_t i = 0; i < t.count; i++)
        if (fabsf (t.back[i] - t.values[i]) > 0.01f)
          fail_msg ("%s, %s: %g comes back as %g", pers[p], sides[s], (double)t.values[i], (double)t.back[i]);
    }
}

/* Rows that have an outlier, which goes; of all others the error is much less. */
static void
entropy_is_finer_where_there_are_outliers (void **state)
{
  static const int64_t least[] = { 4096, 1024, 1024 };
  static double off[2];
  (void)state;
  for (uint32_t c = 0; c < 3; c++)
    for (uint32_t s = 0; s < 2; s++)
      for (int64_t columns = least[c]; columns <= 16384; columns *= 4) {
        shape_it (2, 4, columns, 1);
        fill (GAUSS);
        for (int64_t r = 0; r < 4; r++)
          t.values[r * columns + 5] = r % 2 ? 100 : -100;
        for (uint32_t e = 0; e < 2; e++) {
          error_by (codecs[c], pers[1], sides[s], e ? "range = \"entropy\"" : "range = \"min-max\"");
          off[e] = 0;
          for (uint64_t i = 0; i < t.count; i++)
            off[e] += i % (uint64_t)columns == 5 ? 0 : fabs ((double)t.back[i] - (double)t.values[i]);
        }
        if (!(off[1] < 0.75 * off[0]))
          fail_msg ("%s, %s, rows of %d: numbers are off by %g, and by %g with min-max", codecs[c], sides[s],
                    (int)columns, off[1], off[0]);
      }
}

/* From how many numbers on it is anything else is what the page says. */
static void
of_too_few_numbers_entropy_is_min_max (void **state)
{
  static uint8_t before[MOST];
  static const int64_t fewest[] = { 1024, 128, 128 };
  (void)state;
  for (uint32_t c = 0; c < 3; c++)
    for (uint32_t s = 0; s < 2; s++)
      for (kind what = 0; what < KINDS; what++) {
        shape_it (2, 16, fewest[c] - 1, 1);
        fill (what);
        error_by (codecs[c], pers[1], sides[s], "range = \"min-max\"");
        memcpy (before, t.planes[0], sizeof before);
        error_by (codecs[c], pers[1], sides[s], "range = \"entropy\"");
        assert_memory_equal (before, t.planes[0], sizeof before);
      }
}

/* ---- Channels across the rows. */

static void
an_axis_gives_what_the_turned_tensor_gives (void **state)
{
  static const char *const ranges[] = { "range = \"min-max\"", "range = \"mse\"", "range = \"percentile\"" };
  static float turned[MOST], numbers[MOST];
  static uint8_t scales[64];
  (void)state;
  for (uint32_t c = 0; c < 3; c++)
    for (uint32_t r = 0; r < 3; r++)
      for (uint32_t s = 0; s < 2; s++) {
        const char *const straight[] = { "axis = 1", ranges[r], sides[s], "percentile = 90", NULL };
        shape_it (3, 6, 16, 5);
        fill (HEAVY);
        memcpy (numbers, t.values, sizeof numbers);
        open_codec (codecs[c], straight);
        there_and_back ();
        for (uint32_t i = 0; i < 6 * 16 * 5; i++)
          turned[i / 5 % 16 * 30 + i / 80 * 5 + i % 5] = t.back[i];
        memcpy (scales, t.planes[1], sizeof scales);
        assert_int_equal (t.coded.planes[1].shape[0], 16);
        const char *const lying[] = { ranges[r], sides[s], "percentile = 90", NULL };
        shape_it (2, 16, 30, 1);
        for (uint32_t i = 0; i < 6 * 16 * 5; i++)
          t.values[i / 5 % 16 * 30 + i / 80 * 5 + i % 5] = numbers[i];
        open_codec (codecs[c], lying);
        there_and_back ();
        assert_memory_equal (turned, t.back, t.count * sizeof (float));
        assert_memory_equal (scales, t.planes[1], sizeof scales);
      }
}

static void
an_axis_that_is_not_there_is_refused (void **state)
{
  static const char *const third[] = { "axis = 2", NULL }, *const groups[] = { "axis = 1", "per = \"group\"", NULL };
  (void)state;
  shape_it (2, 4, 32, 1);
  open_codec ("int8", third);
  must_fail (adze_codec_describe (use, &t.meta, NULL, &t.coded), ADZE_E_PARAM, "'axis' is 2", "'t' has 2",
             "skip = true", NULL);
  open_codec ("int8", groups);
  must_fail (adze_codec_describe (use, &t.meta, NULL, &t.coded), ADZE_E_PARAM, "'axis' is 1",
             "per = \"channel\"", NULL);
  /* A vector is one channel. */
  open_codec ("int8", third);
  t.meta.rank = 1;
  must (adze_codec_describe (use, &t.meta, NULL, &t.coded));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (parts_do_not_matter),
    cmocka_unit_test (as_many_are_cut_off_as_a_percentile_says),
    cmocka_unit_test (zeros_do_not_count_for_a_percentile),
    cmocka_unit_test (least_squares_are_no_more_than_those_of_min_max),
    cmocka_unit_test (a_normal_distribution_gets_the_range_that_is_known_to_be_best),
    cmocka_unit_test (entropy_cuts_an_outlier_off_and_leaves_what_is_even),
    cmocka_unit_test (entropy_never_loses_a_row),
    cmocka_unit_test (entropy_keeps_what_many_numbers_are),
    cmocka_unit_test (entropy_is_finer_where_there_are_outliers),
    cmocka_unit_test (of_too_few_numbers_entropy_is_min_max),
    cmocka_unit_test (an_axis_gives_what_the_turned_tensor_gives),
    cmocka_unit_test (an_axis_that_is_not_there_is_refused),
  };
  if (!files_are_loaded ())
    return 0;
  return cmocka_run_group_tests (tests, set_up, tear_down);
}
