/* SPDX-License-Identifier: Apache-2.0 */
/* The technique clip, against sorting; and that nothing about the cutting is seen in the result. */
#include "fake-work.h"

#include <math.h>

#include "../../plugins/techniques/clip/clip.c"

static const adze_dtype f16 = { ADZE_FLOAT, 16, 1 }, bf16 = { ADZE_BFLOAT, 16, 1 },
                        f32 = { ADZE_FLOAT, 32, 1 }, f64 = { ADZE_FLOAT, 64, 1 },
                        i32 = { ADZE_INT, 32, 1 };

enum { MANY = 6000 };

static fake_run run;
static float numbers[MANY];

#define CLIP(percentile_, nan_) \
  &(const adze_params) \
  { \
    (const fake_value[]) { { .name = "percentile", .real = percentile_ }, \
                           { .name = "nan", .text = nan_ }, { .name = NULL } } \
  }

static int
set_up (void **state)
{
  (void)state;
  memset (&run, 0, sizeof run);
  run.technique = &model_callbacks;
  uint64_t draw = 5;
  for (size_t i = 0; i < MANY; i++) {
    double unit = (double)(fake_draw (&draw) >> 11) * 0x1p-53;
    numbers[i] = i % 5 == 0 ? 0 : (float)(log (unit) * (i % 2 ? 0.02 : -3e-5));
  }
  return 0;
}

static int
tear_down (void **state)
{
  (void)state;
  fake_run_clear (&run);
  return 0;
}

static int
by_size (const void *left, const void *right)
{
  float a = fabsf (*(const float *)left), b = fabsf (*(const float *)right);
  return a < b ? -1 : a > b;
}

/* The magnitude of this rank, counted from 1. */
static float
ranked (const float *from, size_t count, size_t rank)
{
  static float sorted[MANY];
  memcpy (sorted, from, count * sizeof *sorted);
  qsort (sorted, count, sizeof *sorted, by_size);
  return fabsf (sorted[rank - 1]);
}

static size_t
check_clipped (const char *name, const float *from, size_t count, float threshold)
{
  const float *got = (const float *)(const void *)fake_result (&run, name)->data;
  size_t clipped = 0;
  for (size_t i = 0; i < count; i++) {
    float wanted = fabsf (from[i]) > threshold ? copysignf (threshold, from[i]) : from[i];
    assert_int_equal (adze_float_bits (got[i]), adze_float_bits (wanted));
    clipped += fabsf (from[i]) > threshold;
  }
  return clipped;
}

static void
was_told (const char *format, ...)
{
  char line[256];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (line, sizeof line, format, arguments);
  va_end (arguments);
  if (!strstr (run.told, line))
    fail_msg ("there is no '%s' in:\n%s", line, run.told);
}

static void
the_threshold_is_the_magnitude_of_that_rank (void **state)
{
  (void)state;
  static const struct {
    double percentile;
    size_t rank;
  } samples[] = { { 99.9, 5994 }, { 50, 3000 }, { 90.01, 5401 }, { 1e-9, 1 }, { 100, MANY } };
  fake_give (&run, 0, "a", f32, 20, 100, numbers);
  fake_give (&run, 0, "b", f32, 40, 100, numbers + 2000);
  for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
    run.params = CLIP (samples[i].percentile, "error");
    assert_int_equal (fake_work (&run), ADZE_OK);
    assert_int_equal (run.rounds, 2);
    float threshold = ranked (numbers, MANY, samples[i].rank);
    size_t clipped = check_clipped ("a", numbers, 2000, threshold);
    clipped += check_clipped ("b", numbers + 2000, 4000, threshold);
    was_told ("metric threshold value=%.17g\n", (double)threshold);
    was_told ("metric clipped value=%zu\n", clipped);
    was_told ("achieved percentile asked=%.17g got=%.17g\n", samples[i].percentile,
              (double)(MANY - clipped) / MANY * 100);
  }
}

static void
each_tensor_may_have_its_own (void **state)
{
  (void)state;
  run.technique = &tensor_callbacks;
  fake_give (&run, 0, "z", f32, 20, 100, numbers);
  fake_give (&run, 0, "a", f32, 40, 100, numbers + 2000);
  run.params = CLIP (75, "error");
  run.rule_tensor = "a";
  run.rule_params = CLIP (20, "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_int_equal (run.rounds, 3);
  size_t clipped = check_clipped ("z", numbers, 2000, ranked (numbers, 2000, 1500));
  clipped += check_clipped ("a", numbers + 2000, 4000, ranked (numbers + 2000, 4000, 800));
  was_told ("metric clipped value=%zu\n", clipped);
  was_told ("tensor z threshold=%.17g percentile=75 numbers=2000 clipped=500\n",
            (double)ranked (numbers, 2000, 1500));
}

static void
one_threshold_takes_no_rule_of_its_own (void **state)
{
  (void)state;
  fake_give (&run, 0, "a", f32, 1, 100, numbers);
  fake_give (&run, 0, "b", f32, 1, 100, numbers);
  run.params = CLIP (75, "error");
  run.rule_tensor = "b";
  run.rule_params = CLIP (20, "error");
  assert_int_equal (fake_work (&run), ADZE_E_PARAM);
  assert_non_null (strstr (fake_reason, "parameter 'percentile' of tensor 'b': clip has one threshold"));
  assert_non_null (strstr (fake_reason, "clip-tensor"));
}

/* 0.1 is a little more in float16 than in float32, and a little less in bfloat16: in no type may
 * anything be above the threshold. */
static void
shorter_types_stay_below_the_threshold (void **state)
{
  (void)state;
  const float wide[3] = { 0.1f, -0.1f, 0.1f };
  const uint16_t half[3] = { adze_half_from_float (0.3f), adze_half_from_float (-7), 0 };
  const uint16_t brain[3] = { adze_bfloat_from_float (0.3f), 0xff80, 0x8000 };
  fake_give (&run, 0, "f", f32, 1, 3, wide);
  fake_give (&run, 0, "h", f16, 1, 3, half);
  fake_give (&run, 0, "b", bf16, 1, 3, brain);
  run.params = CLIP (55, "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  was_told ("metric threshold value=%.17g\n", (double)0.1f);
  const uint16_t halves[3] = { 0x2e66, 0xae66, 0 }, brains[3] = { 0x3dcc, 0xbdcc, 0x8000 };
  assert_true (adze_half_to_float (0x2e66) <= 0.1f && adze_half_to_float (0x2e67) > 0.1f);
  assert_true (adze_bfloat_to_float (0x3dcc) <= 0.1f && adze_bfloat_to_float (0x3dcd) > 0.1f);
  assert_memory_equal (fake_result (&run, "h")->data, halves, sizeof halves);
  assert_memory_equal (fake_result (&run, "b")->data, brains, sizeof brains);
  was_told ("metric clipped value=4\n");
}

static void
subnormals_have_ranks_like_others (void **state)
{
  (void)state;
  const float tiny[4] = { 0x1p-149f, -0x1p-148f, 0x1.8p-148f, -0x1p-127f };
  fake_give (&run, 0, "w", f32, 2, 2, tiny);
  run.params = CLIP (50, "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_int_equal (check_clipped ("w", tiny, 4, 0x1p-148f), 2);
}

static void
a_nan_fails_or_stays (void **state)
{
  (void)state;
  numbers[4321] = -NAN;
  fake_give (&run, 0, "fc.w", f32, 60, 100, numbers);
  run.cut = 9;
  run.params = CLIP (50, "error");
  assert_int_equal (fake_work (&run), ADZE_E_UNSUPPORTED);
  assert_non_null (strstr (fake_reason, "'fc.w' is NaN at element 4321"));
  run.params = CLIP (50, "ignore");
  assert_int_equal (fake_work (&run), ADZE_OK);
  was_told ("metric numbers value=5999\n");
  const float *got = (const float *)(const void *)fake_result (&run, "fc.w")->data;
  assert_int_equal (adze_float_bits (got[4321]), adze_float_bits (-NAN));
}

static void
doubles_are_refused_and_integers_pass (void **state)
{
  (void)state;
  const int32_t whole[2] = { 1000, -1000 };
  fake_give (&run, 0, "ids", i32, 1, 2, whole);
  fake_give (&run, 0, "w", f32, 1, 100, numbers);
  run.params = CLIP (50, "error");
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_memory_equal (fake_result (&run, "ids")->data, whole, sizeof whole);
  const double wide[1] = { 1 };
  fake_give (&run, 0, "wide", f64, 1, 1, wide);
  assert_int_equal (fake_work (&run), ADZE_E_UNSUPPORTED);
  assert_non_null (strstr (fake_reason, "'wide' is float64"));
}

static void
nothing_is_clipped_where_there_is_nothing (void **state)
{
  (void)state;
  const float nan[2] = { NAN, NAN };
  fake_give (&run, 0, "none", f32, 0, 7, nan);
  fake_give (&run, 0, "nan", f32, 1, 2, nan);
  run.params = CLIP (50, "ignore");
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_memory_equal (fake_result (&run, "nan")->data, nan, sizeof nan);
  assert_null (strstr (run.told, "threshold value"));
}

static void
cutting_and_threads_change_no_byte (void **state)
{
  (void)state;
  static float first[MANY];
  static char told[sizeof run.told];
  for (int each = 0; each < 2; each++) {
    run.technique = each ? &tensor_callbacks : &model_callbacks;
    run.params = CLIP (97.5, "error");
    run.cut = 0;
    fake_give (&run, 0, "w", f32, 60, 100, numbers);
    fake_give (&run, 0, "v", f32, 30, 100, numbers);
    assert_int_equal (fake_work (&run), ADZE_OK);
    memcpy (first, fake_result (&run, "w")->data, sizeof first);
    memcpy (told, run.told, sizeof told);
    for (uint64_t cut = 1; cut < 12; cut++) {
      run.cut = cut;
      run.threads = 1 + cut % 4;
      run.twice = cut % 2;
      assert_int_equal (fake_work (&run), ADZE_OK);
      assert_memory_equal (fake_result (&run, "w")->data, first, sizeof first);
      assert_string_equal (run.told, told);
    }
    fake_run_clear (&run);
  }
}

static void
a_share_is_a_rank_even_in_binary (void **state)
{
  (void)state;
  assert_int_equal (clip_rank (99.9, 1000), 999);
  assert_int_equal (clip_rank (1.1, 3000), 33); /* 1.1 * 3000 / 100 is a little more than 33 */
  assert_int_equal (clip_rank (99.9, 1001), 1000);
  assert_int_equal (clip_rank (0.1, 1000), 1);
  assert_int_equal (clip_rank (0.1, 10), 1);
  assert_int_equal (clip_rank (33.3, 3000), 999);
  assert_int_equal (clip_rank (100, UINT64_C (1) << 40), UINT64_C (1) << 40);
}

int
main (void)
{
#define CASE(test) cmocka_unit_test_setup_teardown (test, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    CASE (the_threshold_is_the_magnitude_of_that_rank),
    CASE (each_tensor_may_have_its_own),
    CASE (one_threshold_takes_no_rule_of_its_own),
    CASE (shorter_types_stay_below_the_threshold),
    CASE (subnormals_have_ranks_like_others),
    CASE (a_nan_fails_or_stays),
    CASE (doubles_are_refused_and_integers_pass),
    CASE (nothing_is_clipped_where_there_is_nothing),
    CASE (cutting_and_threads_change_no_byte),
    CASE (a_share_is_a_rank_even_in_binary),
  };
  return cmocka_run_group_tests_name ("clip", tests, NULL, NULL);
}
