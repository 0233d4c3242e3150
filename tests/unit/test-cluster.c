/* SPDX-License-Identifier: Apache-2.0 */
/* The technique cluster: which values a tensor has afterwards, what is told of them, and what is refused.
 * That they are the best ones is looked at in test-kmeans1d.c. */
#include "fake-work.h"

#include <math.h>

#include "../../plugins/techniques/cluster/books.c"
#include "../../plugins/techniques/cluster/cluster.c"
#include "../../plugins/techniques/cluster/describe.c"
#include "../../plugins/techniques/cluster/kmeans1d.c"
#include "../../plugins/techniques/cluster/points.c"
#include "../../plugins/techniques/cluster/report.c"
#include "../../plugins/techniques/cluster/starts.c"

static const adze_dtype f16 = { ADZE_FLOAT, 16, 1 }, bf16 = { ADZE_BFLOAT, 16, 1 },
                        f32 = { ADZE_FLOAT, 32, 1 }, f64 = { ADZE_FLOAT, 64, 1 },
                        i32 = { ADZE_INT, 32, 1 };

enum { MANY = 6000 };

static fake_run run;
static float numbers[MANY];

typedef struct wanted {
  int64_t k, bits, steps, axis, group;
  const char *centroids, *per, *zeros;
} wanted;

static fake_value values[2][9];
static adze_params made[2];

/* Parameters, those that are not given having their presets, and no steps being -1; NUMBER: 0 those of the stage. */
static const adze_params *
params_of (int number, wanted w)
{
  const fake_value all[9] = {
    { .name = "k", .integer = w.k ? w.k : 16 },
    { .name = "bits", .integer = w.bits },
    { .name = "steps", .integer = w.steps < 0 ? 0 : w.steps ? w.steps : 300 },
    { .name = "axis", .integer = w.axis },
    { .name = "group", .integer = w.group ? w.group : 16 },
    { .name = "centroids", .text = w.centroids ? w.centroids : "exact" },
    { .name = "per", .text = w.per ? w.per : "tensor" },
    { .name = "keep-zeros", .text = w.zeros ? w.zeros : "auto" },
    { .name = NULL },
  };
  memcpy (values[number], all, sizeof all);
  made[number] = (adze_params){ values[number] };
  return &made[number];
}

#define CLUSTER(...) params_of (0, (wanted){ __VA_ARGS__ })

static int
set_up (void **state)
{
  (void)state;
  memset (&run, 0, sizeof run);
  run.technique = &callbacks;
  run.params = CLUSTER (0);
  uint64_t drawn = 5;
  for (size_t i = 0; i < MANY; i++) {
    double one = (double)(fake_draw (&drawn) >> 11) * 0x1p-53;
    numbers[i] = (float)(log (one + 1e-9) * (i % 2 ? 0.02 : -0.03));
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

static const float *
result (const char *name)
{
  return (const float *)(const void *)fake_result (&run, name)->data;
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
has_trait (const char *line)
{
  if (!strstr (run.traits, line))
    fail_msg ("there is no '%s' in:\n%s", line, run.traits);
}

static void
are (const char *name, size_t count, const float *wanted_numbers)
{
  for (size_t i = 0; i < count; i++)
    if (adze_float_bits (result (name)[i]) != adze_float_bits (wanted_numbers[i]))
      fail_msg ("%s[%zu] is %.9g, wanted is %.9g", name, i, (double)result (name)[i],
                (double)wanted_numbers[i]);
}

/* ---- Values and what is told of them. */

static void
each_number_becomes_its_nearest_value (void **state)
{
  (void)state;
  const float in[8] = { 10, -1, 1, 11, 0, 12, -2, 30 };
  fake_give (&run, 0, "w", f32, 2, 4, in);
  run.params = CLUSTER (.k = 3);
  assert_int_equal (fake_work (&run), ADZE_OK);
  are ("w", 8, (const float[]){ 11, -0.5f, -0.5f, 11, -0.5f, 11, -0.5f, 30 });
  /* Squares of 0.5, 1.5, 0.5, 1.5 and 1, 0, 1. Two bits a number; 4, 3 and 1 of 8. */
  was_told ("tensor w k=3 books=1 mse=%.17g bytes=32 packed-bytes=14 entropy-coded-bytes=14\n",
            (5.0 + 2.0) / 8);
  was_told ("row codebook tensor=w index=0 value=-0.5 numbers=4\n");
  was_told ("row codebook tensor=w index=1 value=11 numbers=3\n");
  was_told ("row codebook tensor=w index=2 value=30 numbers=1\n");
  was_told ("metric mse value=%.17g\n", 7.0 / 8);
  has_trait ("w adze.codebook/1 {\"k\": 3}\n");
  assert_string_equal (run.groups[0].note, "3 values");
}

static size_t
distinct_of (const char *name, size_t first, size_t count)
{
  size_t distinct = 0;
  for (size_t i = first; i < first + count; i++) {
    size_t before = first;
    while (before < i && result (name)[before] != result (name)[i])
      before++;
    distinct += before == i;
  }
  return distinct;
}

static void
of_two_that_are_equally_near_it_is_the_lesser (void **state)
{
  (void)state;
  const float in[8] = { 0, 1, 2, -1, 3, 1.25f, 0.75f, 1 };
  fake_give (&run, 0, "w", f32, 2, 4, in);
  run.params = CLUSTER (.k = 3, .centroids = "linear", .steps = -1);
  assert_int_equal (fake_work (&run), ADZE_OK);
  are ("w", 8, (const float[]){ -1, 1, 1, -1, 3, 1, 1, 1 });
}

static void
bits_go_before_k_and_entropy_is_counted (void **state)
{
  (void)state;
  fake_give (&run, 0, "w", f32, 60, 100, numbers);
  run.params = CLUSTER (.k = 3, .bits = 5);
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_int_equal (distinct_of ("w", 0, MANY), 32);
  double bits = 0, squares = 0;
  for (size_t i = 0; i < MANY; i++) {
    size_t alike = 0;
    double way = (double)result ("w")[i] - (double)numbers[i];
    for (size_t j = 0; j < MANY; j++)
      alike += result ("w")[j] == result ("w")[i];
    bits += log2 ((double)MANY / (double)alike);
    squares += way * way;
  }
  was_told (" packed-bytes=%d ", MANY * 5 / 8 + 32 * 4);
  was_told (" entropy-coded-bytes=%.0f\n", ceil (bits / 8 - 1e-9) + 32 * 4);
  const char *mse = strstr (run.told, "metric mse value=");
  assert_non_null (mse);
  assert_true (fabs (strtod (mse + strlen ("metric mse value="), NULL) - squares / MANY)
               < 1e-12 * squares);
}

static void
few_numbers_stay_what_they_are (void **state)
{
  (void)state;
  const float in[6] = { 0.1f, 0.2f, 0.1f, -3e38f, 1e-42f, 0.2f };
  fake_give (&run, 0, "w", f32, 2, 3, in);
  assert_int_equal (fake_work (&run), ADZE_OK);
  are ("w", 6, in);
  was_told ("tensor w k=4 books=1 mse=0 ");
  has_trait ("w adze.codebook/1 {\"k\": 4}\n");
}

/* As many bytes as the codec codebook makes of it, whose codes have a bit at least. */
static void
one_value_takes_a_bit_a_number (void **state)
{
  (void)state;
  static float in[64 * 256], zeros[64 * 256];
  for (size_t i = 0; i < 64 * 256; i++)
    in[i] = -0.25f;
  fake_give (&run, 0, "constant", f32, 64, 256, in);
  fake_give (&run, 0, "zeros", f32, 64, 256, zeros);
  assert_int_equal (fake_work (&run), ADZE_OK);
  was_told ("tensor constant k=1 books=1 mse=0 bytes=65536 packed-bytes=2052 entropy-coded-bytes=4\n");
  was_told ("tensor zeros k=1 books=1 mse=0 bytes=65536 packed-bytes=2052 entropy-coded-bytes=4\n");
}

static void
shorter_types_have_values_of_their_own (void **state)
{
  (void)state;
  static uint16_t halves[MANY], brains[MANY];
  static double doubles[MANY];
  for (size_t i = 0; i < MANY; i++) {
    halves[i] = adze_half_from_float (numbers[i]);
    brains[i] = adze_bfloat_from_float (numbers[i]);
    doubles[i] = (double)numbers[i] * 1e200;
  }
  fake_give (&run, 0, "h", f16, 60, 100, halves);
  fake_give (&run, 0, "b", bf16, 60, 100, brains);
  fake_give (&run, 0, "d", f64, 60, 100, doubles);
  fake_give (&run, 0, "w", f32, 60, 100, numbers);
  run.params = CLUSTER (.k = 7);
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_int_equal (distinct_of ("w", 0, MANY), 7);
  /* But for those near the middle of two values, which rounding may have put on its other side. */
  size_t alike[3] = { 0 };
  for (size_t i = 0; i < MANY; i++) {
    float w = result ("w")[i];
    const uint16_t *h = (const void *)fake_result (&run, "h")->data;
    const uint16_t *b = (const void *)fake_result (&run, "b")->data;
    const double *d = (const void *)fake_result (&run, "d")->data;
    alike[0] += fabsf (adze_half_to_float (h[i]) - w) <= fabsf (w) * 0x1p-8f;
    alike[1] += fabsf (adze_bfloat_to_float (b[i]) - w) <= fabsf (w) * 0x1p-5f;
    alike[2] += fabs (d[i] * 1e-200 - (double)w) <= fabs ((double)w) * 1e-6;
  }
  for (int i = 0; i < 3; i++)
    assert_in_range (alike[i], MANY * 97 / 100, MANY);
  has_trait ("h adze.codebook/1 {\"k\": 7}\n");
}

/* Between the two values that float16 has there is none for the mean. */
static void
values_that_are_the_same_when_written_are_one (void **state)
{
  (void)state;
  const uint16_t in[6] = { 1, 1, 1, 2, 2, 0x3c00 };
  fake_give (&run, 0, "h", f16, 1, 6, in);
  run.params = CLUSTER (.k = 2);
  assert_int_equal (fake_work (&run), ADZE_OK);
  const uint16_t *h = (const void *)fake_result (&run, "h")->data;
  assert_memory_equal (h, ((const uint16_t[]){ 1, 1, 1, 1, 1, 0x3c00 }), sizeof in);
}

/* ---- Zeros. */

static void
zeros_of_a_sparse_tensor_stay (void **state)
{
  (void)state;
  for (size_t i = 0; i < MANY; i++)
    if (i % 3)
      numbers[i] = i % 2 ? 0 : -0.0f;
  fake_give (&run, 0, "a", f32, 60, 100, numbers);
  fake_give (&run, 0, "b", f32, 60, 100, numbers);
  run.trait_tensor = "a";
  run.trait_id = ADZE_TRAIT_SPARSITY;
  run.trait_json = "{}";
  run.params = CLUSTER (.k = 4);
  assert_int_equal (fake_work (&run), ADZE_OK);
  size_t other = 0;
  for (size_t i = 0; i < MANY; i++) {
    assert_int_equal (result ("a")[i] == 0, numbers[i] == 0);
    assert_false (signbit (result ("a")[i]) && numbers[i] == 0);
    other += numbers[i] == 0 && result ("b")[i] != 0;
  }
  assert_int_equal (distinct_of ("a", 0, MANY), 4);
  assert_int_equal (other, 4000);
  assert_string_equal (run.groups[0].note, "4 values, zero apart");
  assert_null (strstr (run.traits, "a adze.sparsity/1"));

  /* As it is said, whatever the traits are. */
  run.params = CLUSTER (.k = 4, .zeros = "never");
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_memory_equal (result ("a"), result ("b"), sizeof numbers);
  has_trait ("a adze.sparsity/1 -\n");
  has_trait ("a adze.nm/1 -\n");
  run.trait_tensor = NULL;
  run.params = CLUSTER (.k = 4, .zeros = "always");
  assert_int_equal (fake_work (&run), ADZE_OK);
  for (size_t i = 0; i < MANY; i++)
    assert_int_equal (result ("b")[i] == 0, numbers[i] == 0);
}

static void
where_all_are_zeros_or_none_is (void **state)
{
  (void)state;
  const float zeros[4] = { 0 }, some[4] = { 1, 2, 3, 5 };
  fake_give (&run, 0, "zeros", f32, 2, 2, zeros);
  fake_give (&run, 0, "some", f32, 2, 2, some);
  run.params = CLUSTER (.k = 2, .zeros = "always");
  assert_int_equal (fake_work (&run), ADZE_OK);
  are ("zeros", 4, zeros);
  are ("some", 4, (const float[]){ 2, 2, 2, 5 });
  has_trait ("zeros adze.codebook/1 {\"k\": 1}\n");
  run.params = CLUSTER (.k = 1, .zeros = "always");
  assert_int_equal (fake_work (&run), ADZE_E_PARAM);
  assert_non_null (strstr (fake_reason, "'zeros' would become one value"));
}

/* ---- Parts. */

static void
channels_have_books_of_their_own (void **state)
{
  (void)state;
  const float in[12] = { 1, 2, 11, 12, 100, 200, 300, 400, -1, -1, -1, -1 };
  fake_give (&run, 0, "w", f32, 3, 4, in);
  run.params = CLUSTER (.k = 2, .per = "channel");
  assert_int_equal (fake_work (&run), ADZE_OK);
  are ("w", 12, (const float[]){ 1.5f, 1.5f, 11.5f, 11.5f, 150, 150, 350, 350, -1, -1, -1, -1 });
  was_told ("tensor w k=5 books=3 ");
  has_trait ("w adze.codebook/1 {\"k\": 5}\n");
  assert_null (strstr (run.told, "row codebook"));
  assert_string_equal (run.groups[0].note, "3 x 2 values");

  run.params = CLUSTER (.k = 1, .per = "channel", .axis = 1);
  assert_int_equal (fake_work (&run), ADZE_OK);
  for (size_t i = 0; i < 12; i++)
    assert_true (result ("w")[i] == (float)(((double)in[i % 4] + (double)in[4 + i % 4] - 1) / 3));

  run.params = CLUSTER (.k = 1, .per = "group", .group = 2);
  assert_int_equal (fake_work (&run), ADZE_OK);
  for (size_t i = 0; i < 12; i++)
    assert_true (result ("w")[i] == (i < 8 ? 128.25f : -1));
  was_told ("tensor w k=2 books=2 ");
}

static void
what_has_no_such_axis_is_refused_and_vectors_are_whole (void **state)
{
  (void)state;
  fake_give (&run, 0, "w", f32, 60, 100, numbers);
  run.params = CLUSTER (.per = "channel", .axis = 2);
  assert_int_equal (fake_work (&run), ADZE_E_PARAM);
  assert_non_null (strstr (fake_reason, "'axis' is 2, and tensor 'w' has 2 dimensions"));
  fake_run_clear (&run);
  const int64_t shape[1] = { 100 };
  const adze_tensor_meta meta = { .struct_size = sizeof meta, .rank = 1, .name = "bias",
                                  .shape = shape, .dtype = f32 };
  fake_add (&run.models[0], &meta, numbers);
  assert_int_equal (fake_work (&run), ADZE_OK);
  was_told ("tensor bias k=16 books=1 ");
}

/* More values than the host looks through: nothing is claimed of the whole. */
static void
no_claim_is_made_of_too_many_values (void **state)
{
  (void)state;
  fake_give (&run, 0, "w", f32, 60, 100, numbers);
  run.params = CLUSTER (.k = 80, .per = "channel");
  assert_int_equal (fake_work (&run), ADZE_OK);
  was_told ("tensor w k=4800 books=60 ");
  assert_null (strstr (run.traits, "adze.codebook/1 {"));
  has_trait ("w adze.codebook/1 -\n");
}

/* ---- Other values than the best. */

static void
lloyd_makes_them_no_better_than_the_best (void **state)
{
  (void)state;
  static const char *const names[] = { "linear", "density", "random", "k-means++" };
  fake_give (&run, 0, "w", f32, 60, 100, numbers);
  run.params = CLUSTER (.k = 8);
  assert_int_equal (fake_work (&run), ADZE_OK);
  double least = strtod (strstr (run.told, "mse=") + 4, NULL);
  for (size_t i = 0; i < 4; i++) {
    double before = INFINITY;
    run.params = CLUSTER (.k = 8, .centroids = names[i]);
    for (int64_t steps = 1; steps <= 1000; steps *= 10) {
      run.params = CLUSTER (.k = 8, .centroids = names[i], .steps = steps);
      assert_int_equal (fake_work (&run), ADZE_OK);
      double mse = strtod (strstr (run.told, "mse=") + 4, NULL);
      assert_true (mse <= before && mse >= least * (1 - 1e-6));
      before = mse;
    }
    assert_true (before < least * 2);
  }
}

static void
what_is_drawn_goes_by_seed_tensor_and_book (void **state)
{
  (void)state;
  static float first[MANY];
  memcpy (numbers + MANY / 2, numbers, sizeof numbers / 2);
  for (int each = 0; each < 2; each++) {
    fake_give (&run, 0, each ? "u" : "v", f32, 60, 100, numbers);
    run.params = CLUSTER (.k = 9, .centroids = each ? "random" : "k-means++", .per = "group", .group = 30,
                          .steps = 1);
    assert_int_equal (fake_work (&run), ADZE_OK);
    memcpy (first, result (each ? "u" : "v"), sizeof first);
    assert_memory_not_equal (first, first + MANY / 2, sizeof first / 2);
    assert_int_equal (fake_work (&run), ADZE_OK);
    assert_memory_equal (first, result (each ? "u" : "v"), sizeof first);
    run.seed++;
    assert_int_equal (fake_work (&run), ADZE_OK);
    assert_memory_not_equal (first, result (each ? "u" : "v"), sizeof first);
  }
}

/* ---- The rest. */

static void
what_is_no_number_is_named (void **state)
{
  (void)state;
  numbers[4321] = NAN;
  fake_give (&run, 0, "fc.w", f32, 60, 100, numbers);
  assert_int_equal (fake_work (&run), ADZE_E_UNSUPPORTED);
  assert_non_null (strstr (fake_reason, "tensor 'fc.w': element 4321 is NaN"));
  fake_run_clear (&run);
  numbers[4321] = 0;
  numbers[77] = -INFINITY;
  fake_give (&run, 0, "fc.w", f32, 60, 100, numbers);
  run.params = CLUSTER (.per = "channel", .axis = 1);
  assert_int_equal (fake_work (&run), ADZE_E_UNSUPPORTED);
  assert_non_null (strstr (fake_reason, "tensor 'fc.w': element 77 is -inf"));
}

static void
integers_and_nothing_pass (void **state)
{
  (void)state;
  const int32_t whole_numbers[2] = { 1000, -1000 };
  fake_give (&run, 0, "ids", i32, 1, 2, whole_numbers);
  fake_give (&run, 0, "none", f32, 0, 7, numbers);
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_memory_equal (result ("ids"), whole_numbers, sizeof whole_numbers);
  assert_null (strstr (run.told, "mse"));
}

static void
a_rule_gives_a_tensor_other_values (void **state)
{
  (void)state;
  fake_give (&run, 0, "z", f32, 20, 100, numbers);
  fake_give (&run, 0, "a", f32, 40, 100, numbers + 2000);
  run.params = CLUSTER (.k = 3);
  run.rule_tensor = "a";
  run.rule_params = params_of (1, (wanted){ .bits = 3, .per = "channel" });
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_int_equal (distinct_of ("z", 0, 2000), 3);
  assert_int_equal (distinct_of ("a", 0, 100), 8);
  was_told ("metric numbers value=6000\n");
}

static void
threads_and_doing_it_twice_change_nothing (void **state)
{
  (void)state;
  static float first[MANY];
  static char told[sizeof run.told];
  fake_give (&run, 0, "w", f32, 60, 100, numbers);
  fake_give (&run, 0, "v", f32, 40, 100, numbers + 2000);
  run.params = CLUSTER (.k = 9, .centroids = "k-means++");
  for (int many = 0; many < 2; many++) {
    run.threads = many ? 2 : 1;
    run.twice = many;
    assert_int_equal (fake_work (&run), ADZE_OK);
    if (many) {
      assert_memory_equal (first, result ("w"), sizeof first);
      assert_string_equal (told, run.told);
    }
    memcpy (first, result ("w"), sizeof first);
    memcpy (told, run.told, sizeof told);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown (each_number_becomes_its_nearest_value, set_up, tear_down),
    cmocka_unit_test_setup_teardown (of_two_that_are_equally_near_it_is_the_lesser, set_up, tear_down),
    cmocka_unit_test_setup_teardown (bits_go_before_k_and_entropy_is_counted, set_up, tear_down),
    cmocka_unit_test_setup_teardown (few_numbers_stay_what_they_are, set_up, tear_down),
    cmocka_unit_test_setup_teardown (one_value_takes_a_bit_a_number, set_up, tear_down),
    cmocka_unit_test_setup_teardown (shorter_types_have_values_of_their_own, set_up, tear_down),
    cmocka_unit_test_setup_teardown (values_that_are_the_same_when_written_are_one, set_up, tear_down),
    cmocka_unit_test_setup_teardown (zeros_of_a_sparse_tensor_stay, set_up, tear_down),
    cmocka_unit_test_setup_teardown (where_all_are_zeros_or_none_is, set_up, tear_down),
    cmocka_unit_test_setup_teardown (channels_have_books_of_their_own, set_up, tear_down),
    cmocka_unit_test_setup_teardown (what_has_no_such_axis_is_refused_and_vectors_are_whole, set_up, tear_down),
    cmocka_unit_test_setup_teardown (no_claim_is_made_of_too_many_values, set_up, tear_down),
    cmocka_unit_test_setup_teardown (lloyd_makes_them_no_better_than_the_best, set_up, tear_down),
    cmocka_unit_test_setup_teardown (what_is_drawn_goes_by_seed_tensor_and_book, set_up, tear_down),
    cmocka_unit_test_setup_teardown (what_is_no_number_is_named, set_up, tear_down),
    cmocka_unit_test_setup_teardown (integers_and_nothing_pass, set_up, tear_down),
    cmocka_unit_test_setup_teardown (a_rule_gives_a_tensor_other_values, set_up, tear_down),
    cmocka_unit_test_setup_teardown (threads_and_doing_it_twice_change_nothing, set_up, tear_down),
  };
  return cmocka_run_group_tests (tests, NULL, NULL);
}
