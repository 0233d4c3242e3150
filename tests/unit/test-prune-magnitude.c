/* SPDX-License-Identifier: Apache-2.0 */
/* The technique prune-magnitude, against sorting; and that nothing about the cutting is seen in the
 * result. */
#include "fake-work.h"

#include <math.h>

/* First: clang wants functions of several widths before they are used. */
#include "../../plugins/techniques/prune-magnitude/kernels.c"

#include "../../plugins/techniques/prune-magnitude/count.c"
#include "../../plugins/techniques/prune-magnitude/describe.c"
#include "../../plugins/techniques/prune-magnitude/mask.c"
#include "../../plugins/techniques/prune-magnitude/pattern.c"
#include "../../plugins/techniques/prune-magnitude/prune-magnitude.c"
#include "../../plugins/techniques/prune-magnitude/report.c"
#include "../../plugins/techniques/prune-magnitude/search.c"
#include "../../plugins/techniques/prune-magnitude/settle.c"

static const adze_dtype f16 = { ADZE_FLOAT, 16, 1 }, bf16 = { ADZE_BFLOAT, 16, 1 },
                        f32 = { ADZE_FLOAT, 32, 1 }, f64 = { ADZE_FLOAT, 64, 1 },
                        i32 = { ADZE_INT, 32, 1 };

enum { MANY = 40000, COLUMNS = 100 };

static fake_run run;
static float numbers[MANY];

/* ---- Parameters. */

typedef struct asked {
  const char *scope, *pattern, *block, *norm, *bad;
  double sparsity, threshold, min_kept;
  int64_t vectors;
  fake_value values[10];
  adze_params params;
} asked;

static const adze_params *
params_of (asked *a)
{
  const fake_value values[] = {
    { .name = "scope", .text = a->scope ? a->scope : "global" },
    { .name = "sparsity", .real = a->sparsity, .given = a->sparsity != .5 },
    { .name = "threshold", .real = a->threshold, .given = a->threshold > 0 },
    { .name = "pattern", .text = a->pattern ? a->pattern : "unstructured" },
    { .name = "block", .text = a->block ? a->block : "4x4" },
    { .name = "norm", .text = a->norm ? a->norm : "l1" },
    { .name = "min-kept", .real = a->min_kept },
    { .name = "vectors", .integer = a->vectors },
    { .name = "not-finite", .text = a->bad ? a->bad : "error" },
    { .name = NULL },
  };
  memcpy (a->values, values, sizeof values);
  a->params.values = a->values;
  return &a->params;
}

/* ---- What is right, by sorting. */

typedef struct ranked {
  float size;
  size_t tensor, place;
} ranked;

static int
by_rank (const void *left, const void *right)
{
  const ranked *a = left, *b = right;
  if (a->size != b->size)
    return a->size < b->size ? -1 : 1;
  if (a->tensor != b->tensor)
    return a->tensor < b->tensor ? -1 : 1;
  return a->place < b->place ? -1 : a->place > b->place;
}

enum { TENSORS_MOST = 4 };

/* What TARGET of all leave, of tensor t CAPS[t] at most (0: none), or the zeros that it has already; how many go. */
static size_t
expect_global (size_t target, const size_t *caps, bool *gone)
{
  static ranked all[MANY];
  size_t count = 0, taken[TENSORS_MOST] = { 0 }, zeros[TENSORS_MOST] = { 0 };
  size_t first = 0, wanted = target;
  for (uint32_t t = 0; t < run.models[0].count; t++) {
    const fake_tensor *tensor = &run.models[0].tensors[t];
    float of[MANY];
    size_t elements = fake_elements (&tensor->meta);
    adze_floats_read (tensor->meta.dtype, tensor->data, elements, of);
    for (size_t i = 0; i < elements; i++) {
      zeros[t] += of[i] == 0;
      all[count++] = (ranked){ fabsf (of[i]), t, i };
    }
  }
  qsort (all, count, sizeof *all, by_rank);
  memset (gone, 0, count);
  for (size_t i = 0; i < count && target > 0; i++) {
    size_t cap = caps[all[i].tensor];
    if (taken[all[i].tensor] >= cap && (cap == 0 || taken[all[i].tensor] >= zeros[all[i].tensor]))
      continue;
    taken[all[i].tensor]++;
    target--;
    first = 0;
    for (size_t t = 0; t < all[i].tensor; t++)
      first += fake_elements (&run.models[0].tensors[t].meta);
    gone[first + all[i].place] = true;
  }
  return wanted - target;
}

/* Holds the results against GONE; says how many became zero. */
static size_t
check_result (const bool *gone)
{
  size_t count = 0, at = 0;
  for (uint32_t t = 0; t < run.models[0].count; t++) {
    const fake_tensor *was = &run.models[0].tensors[t], *is = fake_result (&run, was->name);
    size_t size = was->meta.dtype.bits / 8, elements = fake_elements (&was->meta);
    const unsigned char zeros[8] = { 0 };
    for (size_t i = 0; i < elements; i++, at++) {
      const void *wanted = gone[at] ? zeros : was->data + i * size;
      if (memcmp (is->data + i * size, wanted, size) != 0)
        fail_msg ("'%s' is wrong at element %zu", was->name, i);
      count += gone[at];
    }
  }
  return count;
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

/* ---- Numbers. */

static int
set_up (void **state)
{
  (void)state;
  memset (&run, 0, sizeof run);
  run.technique = &callbacks;
  uint64_t draw = 5;
  for (size_t i = 0; i < MANY; i++) {
    double unit = (double)((fake_draw (&draw) >> 11) + 1) * 0x1p-53;
    double sign = fake_draw (&draw) % 2 ? 1 : -1;
    numbers[i] = i % 7 == 0 ? 0 : (float)(sign * sqrt (-2 * log (unit)) * (i % 3 ? 0.02 : 3e-4));
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

/* Numbers of few values, so that the cut lies among many equal ones. */
static void
round_numbers (float step)
{
  for (size_t i = 0; i < MANY; i++)
    numbers[i] = rintf (numbers[i] / step) * step;
}

/* Three tensors: all of MANY, two of them in shorter types where SHORT. */
static void
give_three (bool are_short)
{
  uint16_t half[MANY], brain[MANY];
  adze_half_from_floats (half, numbers, MANY);
  adze_bfloat_from_floats (brain, numbers, MANY);
  fake_run_clear (&run);
  fake_give (&run, 0, "b", f32, 50, COLUMNS, numbers);
  fake_give (&run, 0, "c", are_short ? f16 : f32, 50, COLUMNS,
             are_short ? (const void *)(half + 5000) : (const void *)(numbers + 5000));
  fake_give (&run, 0, "a", are_short ? bf16 : f32, 300, COLUMNS,
             are_short ? (const void *)(brain + 10000) : (const void *)(numbers + 10000));
}

/* ---- One cut for all. */

static const double shares[] = { 0, 1e-5, .1, .14, .5, .77777, .9, .99999, 1 };

static void
check_shares (void)
{
  static bool gone[MANY];
  const size_t caps[TENSORS_MOST] = { MANY, MANY, MANY, MANY };
  for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
    asked a = { .sparsity = shares[i] };
    size_t target = (size_t)floor (shares[i] * MANY + .5);
    run.params = params_of (&a);
    assert_int_equal (fake_work (&run), ADZE_OK);
    assert_int_equal (expect_global (target, caps, gone), target);
    assert_int_equal (check_result (gone), target);
    was_told ("metric pruned value=%zu\n", target);
  }
}

static void
a_model_loses_its_smallest_to_one_weight (void **state)
{
  (void)state;
  give_three (false);
  check_shares ();
  give_three (true);
  check_shares ();
}

static void
equal_ones_go_by_tensor_and_place (void **state)
{
  (void)state;
  round_numbers (0.004f);
  give_three (false);
  check_shares ();
  give_three (true);
  check_shares ();
  for (size_t i = 0; i < MANY; i++)
    numbers[i] = i % 2 ? 1 : -1;
  give_three (false);
  check_shares ();
}

static void
no_tensor_loses_more_than_it_may (void **state)
{
  (void)state;
  static bool gone[MANY];
  for (int round = 0; round < 2; round++) {
    if (round == 1)
      round_numbers (0.004f);
    /* The middle one is much smaller than the others. */
    for (size_t i = 5000; i < 10000; i++)
      numbers[i] /= 16;
    give_three (false);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
      asked a = { .sparsity = shares[i] }, rule = { .sparsity = shares[i], .min_kept = .25 };
      run.params = params_of (&a);
      run.rule_tensor = "c";
      run.rule_params = params_of (&rule);
      const size_t caps[TENSORS_MOST] = { 5000, 3750, 30000 };
      size_t target = (size_t)floor (shares[i] * MANY + .5);
      assert_int_equal (fake_work (&run), ADZE_OK);
      target = expect_global (target, caps, gone);
      assert_int_equal (check_result (gone), target);
      was_told ("metric pruned value=%zu\n", target);
    }
  }
}

/* ---- A cut for each. */

static void
each_tensor_may_have_its_own_share (void **state)
{
  (void)state;
  static bool gone[MANY], part[MANY];
  give_three (true);
  asked a = { .scope = "tensor", .sparsity = .75 };
  asked rule = { .scope = "tensor", .sparsity = .3, .min_kept = .9 };
  run.params = params_of (&a);
  run.rule_tensor = "c";
  run.rule_params = params_of (&rule);
  assert_int_equal (fake_work (&run), ADZE_OK);
  const size_t firsts[] = { 0, 5000, 10000, MANY }, targets[] = { 3750, 714, 22500 }; /* zeros, more than may go */
  for (size_t t = 0; t < 3; t++) {
    size_t caps[TENSORS_MOST] = { 0 };
    caps[t] = targets[t];
    expect_global (targets[t], caps, part);
    memcpy (gone + firsts[t], part + firsts[t], firsts[t + 1] - firsts[t]);
  }
  assert_int_equal (check_result (gone), 3750 + 714 + 22500);
  was_told ("weights=5000 pruned=714 kept=4286 zero-before=714\n");
  was_told ("achieved sparsity asked=%.17g got=%.17g\n", (.75 * 5000 + .3 * 5000 + .75 * 30000) / MANY,
            (3750 + 714 + 22500) / (double)MANY);
}

static void
what_is_below_a_threshold_goes (void **state)
{
  (void)state;
  give_three (false);
  asked a = { .sparsity = .5, .threshold = 0.01 };
  run.params = params_of (&a);
  assert_int_equal (fake_work (&run), ADZE_OK);
  static bool gone[MANY];
  size_t count = 0;
  for (size_t i = 0; i < MANY; i++)
    count += gone[i] = (double)fabsf (numbers[i]) < 0.01;
  assert_int_equal (check_result (gone), count);
  was_told ("metric pruned value=%zu\n", count);
  was_told ("tensor b threshold=%.17g pattern=unstructured weights=5000", (double)nextafterf (0.01f, 1));
}

/* ---- N of M. */

static void
check_of_m (const float *was, const float *is, size_t n, size_t m)
{
  for (size_t row = 0; row < MANY; row += COLUMNS)
    for (size_t at = 0; at < COLUMNS; at += m) {
      size_t count = COLUMNS - at < m ? COLUMNS - at : m;
      const float *from = was + row + at, *to = is + row + at;
      for (size_t i = 0; i < count; i++) {
        size_t larger = 0;
        for (size_t k = 0; k < count; k++)
          larger += fabsf (from[k]) > fabsf (from[i])
                    || (fabsf (from[k]) == fabsf (from[i]) && k > i);
        float wanted = larger < n ? from[i] : 0;
        if (adze_float_bits (to[i]) != adze_float_bits (wanted))
          fail_msg ("%zu:%zu is wrong at element %zu", n, m, row + at + i);
      }
    }
}

static void
n_of_m_stay_in_every_row (void **state)
{
  (void)state;
  static const size_t patterns[][2] = { { 2, 4 }, { 4, 8 }, { 1, 3 }, { 7, 64 }, { 1, 2 }, { 3, 16 } };
  for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
    size_t n = patterns[i][0], m = patterns[i][1], rest = COLUMNS % m;
    char text[16];
    snprintf (text, sizeof text, "%zu:%zu", n, m);
    fake_run_clear (&run);
    fake_give (&run, 0, "w", f32, MANY / COLUMNS, COLUMNS, numbers);
    asked a = { .pattern = text, .sparsity = .5 };
    run.params = params_of (&a);
    run.cut = i * 3;
    assert_int_equal (fake_work (&run), ADZE_OK);
    check_of_m (numbers, (const float *)(const void *)fake_result (&run, "w")->data, n, m);
    size_t gone = (COLUMNS / m * (m - n) + (rest > n ? rest - n : 0)) * (MANY / COLUMNS);
    was_told ("tensor w pattern=%s weights=%d pruned=%zu", text, MANY, gone);
    assert_non_null (strstr (run.traits, "w adze.sparsity/1 {}\n"));
    char trait[64];
    snprintf (trait, sizeof trait, "w adze.nm/1 {\"n\": %zu, \"m\": %zu}\n", n, m);
    /* Of three nobody can verify it. */
    assert_true ((strstr (run.traits, trait) != NULL) == (m != 3));
  }
}

/* ---- Blocks. */

/* Norms of all blocks of a tensor of ROWS, for their ranks. */
static size_t
norms_of (const float *of, size_t rows, size_t tall, size_t wide, bool squares, size_t tensor,
          ranked *all)
{
  size_t count = 0;
  for (size_t row = 0; row < rows; row += tall)
    for (size_t column = 0; column < COLUMNS; column += wide) {
      double sum = 0, elements = 0;
      for (size_t r = row; r < row + tall && r < rows; r++)
        for (size_t c = column; c < column + wide && c < COLUMNS; c++) {
          double number = (double)of[r * COLUMNS + c];
          sum += squares ? number * number : fabs (number);
          elements++;
        }
      all[count] = (ranked){ (float)(squares ? sqrt (sum / elements) : sum / elements), tensor, count };
      count++;
    }
  return count;
}

static void
blocks_go_by_their_norms (void **state)
{
  (void)state;
  static ranked all[MANY];
  static bool gone[MANY];
  static const size_t blocks[][2] = { { 4, 1 }, { 1, 4 }, { 3, 7 }, { 16, 16 }, { 1000, 1 }, { 1, 300 } };
  run.technique = &block_callbacks;
  fake_give (&run, 0, "b", f32, 97, COLUMNS, numbers);
  fake_give (&run, 0, "a", f32, 303, COLUMNS, numbers + 9700);
  for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
    for (int squares = 0; squares < 2; squares++) {
      size_t tall = blocks[i][0], wide = blocks[i][1];
      char text[16];
      snprintf (text, sizeof text, "%zux%zu", tall, wide);
      asked a = { .block = text, .sparsity = .6, .norm = squares ? "l2" : "l1" };
      run.params = params_of (&a);
      assert_int_equal (fake_work (&run), ADZE_OK);
      size_t count = norms_of (numbers, 97, tall, wide, squares, 0, all);
      count += norms_of (numbers + 9700, 303, tall, wide, squares, 1, all + count);
      size_t target = (size_t)floor (.6 * (double)count + .5), across = (COLUMNS + wide - 1) / wide;
      qsort (all, count, sizeof *all, by_rank);
      memset (gone, 0, sizeof gone);
      for (size_t k = 0; k < target; k++) {
        size_t row = all[k].place / across * tall, column = all[k].place % across * wide;
        size_t rows = all[k].tensor ? 303 : 97;
        for (size_t r = row; r < row + tall && r < rows; r++)
          for (size_t c = column; c < column + wide && c < COLUMNS; c++)
            gone[(all[k].tensor ? 9700 : 0) + r * COLUMNS + c] = true;
      }
      check_result (gone);
      was_told ("metric pruned value=%zu\n", target);
    }
}

/* ---- What is special. */

static void
what_is_not_finite_fails_or_stays (void **state)
{
  (void)state;
  static bool gone[MANY];
  for (int blocks = 0; blocks < 2; blocks++) {
    run.technique = blocks ? &block_callbacks : &callbacks;
    numbers[1234] = blocks ? -INFINITY : NAN;
    fake_run_clear (&run);
    fake_give (&run, 0, "fc.w", f32, MANY / COLUMNS, COLUMNS, numbers);
    run.cut = 9;
    asked a = { .sparsity = 1, .block = "1x1" };
    run.params = params_of (&a);
    assert_int_equal (fake_work (&run), ADZE_E_UNSUPPORTED);
    assert_non_null (strstr (fake_reason, "tensor 'fc.w' is not finite at element 1234"));
    a.bad = "keep";
    run.params = params_of (&a);
    assert_int_equal (fake_work (&run), ADZE_OK);
    was_told ("metric counted value=%d\n", MANY - 1);
    memset (gone, 1, sizeof gone);
    gone[1234] = false;
    check_result (gone);
  }
}

static void
vectors_and_integers_pass_and_doubles_are_refused (void **state)
{
  (void)state;
  const int32_t whole[2] = { 1, -1 };
  const float bias[3] = { 1e-9f, 1, 2 };
  const int64_t three = 3;
  const adze_tensor_meta vector
      = { .struct_size = sizeof vector, .rank = 1, .name = "b", .shape = &three, .dtype = f32 };
  fake_give (&run, 0, "ids", i32, 1, 2, whole);
  fake_add (&run.models[0], &vector, bias);
  fake_give (&run, 0, "w", f32, 1, 3, bias);
  asked a = { .sparsity = 1 / 3. };
  run.params = params_of (&a);
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_memory_equal (fake_result (&run, "ids")->data, whole, sizeof whole);
  assert_memory_equal (fake_result (&run, "b")->data, bias, sizeof bias);
  was_told ("metric pruned value=1\n");
  a.vectors = 1;
  run.params = params_of (&a);
  assert_int_equal (fake_work (&run), ADZE_OK);
  was_told ("metric pruned value=2\n");
  assert_true (*(const float *)(const void *)fake_result (&run, "b")->data == 0);
  const double wide[1] = { 1 };
  fake_give (&run, 0, "wide", f64, 1, 1, wide);
  assert_int_equal (fake_work (&run), ADZE_E_UNSUPPORTED);
  assert_non_null (strstr (fake_reason, "'wide' is float64"));
}

static void
a_codebook_may_get_one_value_more (void **state)
{
  (void)state;
  fake_give (&run, 0, "w", f32, 50, COLUMNS, numbers);
  run.trait_tensor = "w";
  run.trait_id = ADZE_TRAIT_CODEBOOK;
  run.trait_json = "{\"k\": 16}";
  asked a = { .sparsity = .5 };
  run.params = params_of (&a);
  assert_int_equal (fake_work (&run), ADZE_OK);
  assert_non_null (strstr (run.traits, "w adze.codebook/1 {\"k\": 17}\n"));
}

static void
refused (asked *stage, asked *rule, const char *reason)
{
  void *instance = NULL;
  adze_status status;
  fake_reason[0] = '\0';
  run.params = params_of (stage);
  run.rule_tensor = "c";
  run.rule_params = params_of (rule ? rule : stage);
  if (rule) {
    status = fake_work (&run);
  } else {
    fake_more_services = fake_work_services;
    status = run.technique->create (&fake_host, run.params, &instance);
  }
  assert_int_equal (status, ADZE_E_PARAM);
  if (!strstr (fake_reason, reason))
    fail_msg ("there is no '%s' in: %s", reason, fake_reason);
}

static void
what_cannot_be_meant_is_refused (void **state)
{
  (void)state;
  give_three (false);
  refused (&(asked){ .pattern = "4:2", .sparsity = .5 }, NULL, "parameter 'pattern' is \"4:2\"; needed");
  refused (&(asked){ .pattern = "2:4 ", .sparsity = .5 }, NULL, "needed is \"unstructured\"");
  refused (&(asked){ .pattern = "4x1", .sparsity = .5 }, NULL, "use = \"prune-blocks\" with block = \"4x1\"");
  refused (&(asked){ .pattern = "2:4", .sparsity = .8 }, NULL, "'sparsity' has no meaning with pattern = \"2:4\"");
  refused (&(asked){ .threshold = 1, .sparsity = .8 }, NULL, "'threshold' and 'sparsity' are both given");
  refused (&(asked){ .threshold = .1, .sparsity = .5, .scope = "tensor" },
           &(asked){ .threshold = .1, .sparsity = .9, .scope = "tensor" }, "say too much of tensor 'c'");
  refused (&(asked){ .sparsity = .5 }, &(asked){ .sparsity = .6 },
           "parameter 'sparsity' of tensor 'c' is not that of the stage");
  refused (&(asked){ .sparsity = .5 }, &(asked){ .sparsity = .5, .scope = "tensor" },
           "parameter 'scope' of tensor 'c'");
  refused (&(asked){ .sparsity = .5 }, &(asked){ .sparsity = .5, .pattern = "1:4", .min_kept = .3 },
           "'min-kept' of tensor 'c' is 0.3, and pattern = \"1:4\" keeps less");
  run.technique = &block_callbacks;
  refused (&(asked){ .block = "0x4", .sparsity = .5 }, NULL, "parameter 'block' is \"0x4\"");
  refused (&(asked){ .sparsity = .5 }, &(asked){ .sparsity = .5, .block = "2x2" },
           "parameter 'block' of tensor 'c'");
}

static void
cutting_and_threads_change_no_byte (void **state)
{
  (void)state;
  static unsigned char first[3][MANY * 4];
  static char told[sizeof run.told];
  static const char *const names[] = { "a", "b", "c" };
  round_numbers (0.0005f);
  give_three (true);
  for (int each = 0; each < 2; each++) {
    asked a = { .scope = each ? "tensor" : "global", .sparsity = .6 };
    asked rule = { .scope = a.scope, .sparsity = .6, .min_kept = .5 };
    run.params = params_of (&a);
    run.rule_tensor = "c";
    run.rule_params = params_of (&rule);
    for (uint64_t cut = 0; cut < 12; cut++) {
      run.cut = cut;
      run.threads = 1 + cut % 4;
      run.twice = cut % 2;
      assert_int_equal (fake_work (&run), ADZE_OK);
      if (cut == 0)
        memcpy (told, run.told, sizeof told);
      assert_string_equal (run.told, told);
      for (size_t t = 0; t < 3; t++) {
        const fake_tensor *is = fake_result (&run, names[t]);
        if (cut == 0)
          memcpy (first[t], is->data, is->meta.byte_size);
        assert_memory_equal (is->data, first[t], is->meta.byte_size);
      }
    }
  }
}

int
main (void)
{
#define CASE(test) cmocka_unit_test_setup_teardown (test, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    CASE (a_model_loses_its_smallest_to_one_weight),
    CASE (equal_ones_go_by_tensor_and_place),
    CASE (no_tensor_loses_more_than_it_may),
    CASE (each_tensor_may_have_its_own_share),
    CASE (what_is_below_a_threshold_goes),
    CASE (n_of_m_stay_in_every_row),
    CASE (blocks_go_by_their_norms),
    CASE (what_is_not_finite_fails_or_stays),
    CASE (vectors_and_integers_pass_and_doubles_are_refused),
    CASE (a_codebook_may_get_one_value_more),
    CASE (what_cannot_be_meant_is_refused),
    CASE (cutting_and_threads_change_no_byte),
  };
  return cmocka_run_group_tests_name ("prune-magnitude", tests, NULL, NULL);
}
