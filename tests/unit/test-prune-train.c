/* SPDX-License-Identifier: Apache-2.0 */
/* prune-train: when it cuts and which weights go, against numbers that are plain to see. What it makes of networks is
 * in tests/pipelines/test-prune-train.sh. */
#include "fake-host.h"

#include <math.h>
#include <stdlib.h>

#include "../../plugins/techniques/prune-train/channels.c"
#include "../../plugins/techniques/prune-train/choose.c"
#include "../../plugins/techniques/prune-train/cuts.c"
#include "../../plugins/techniques/prune-train/masks.c"
#include "../../plugins/techniques/prune-train/scores.c"

/* ---- What these do not need. */

adze_status
trim_score_gradients (trim *t, uint64_t step)
{
  (void)t;
  (void)step;
  return ADZE_E_UNSUPPORTED;
}

adze_status
trim_score_norms (trim *t, uint64_t step)
{
  return trim_score_gradients (t, step);
}

adze_status
trim_score_activity (trim *t, uint64_t step)
{
  return trim_score_gradients (t, step);
}

bool
trim_is_left (const trim *t, const char *name)
{
  (void)t;
  (void)name;
  return false;
}

adze_status
trim_tensor_of (trim *t, const adze_graph_value *value, uint32_t *index)
{
  (void)t;
  (void)value;
  *index = 0;
  return ADZE_E_UNSUPPORTED;
}

adze_status
trim_no_room (const trim *t, const trim_tensor *tensor)
{
  (void)t;
  (void)tensor;
  return ADZE_E_MEMORY;
}

uint64_t
trim_count_all (const trim *t)
{
  return t->weights;
}

uint64_t
trim_count_gone (const trim *t)
{
  return count_gone (t); /* of choose.c */
}

adze_status
trim_tell_cut (const trim *t, uint64_t step)
{
  (void)t;
  (void)step;
  return ADZE_OK;
}

/* ---- Some tensors of one row each, with these scores. */

enum { MOST = 3, LONG = 16 };

typedef struct some {
  trim t;
  trim_tensor tensors[MOST];
  float scores[MOST][LONG];
  uint8_t kept[MOST][LONG];
  uint32_t factors[MOST][LONG];
} some;

static void
begin (some *s)
{
  memset (s, 0, sizeof *s);
  s->t.lesson.host = &fake_host;
  s->t.tensors = s->tensors;
  s->t.global = true;
  s->t.cuts = 1;
}

static trim_tensor *
add (some *s, const float *scores, size_t count)
{
  trim_tensor *tensor = &s->tensors[s->t.count];
  size_t index = s->t.count++;
  memcpy (s->scores[index], scores, count * sizeof *scores);
  memset (s->kept[index], 1, count);
  tensor->dtype = (adze_dtype){ ADZE_FLOAT, 32, 1 };
  tensor->count = tensor->row = tensor->most = count;
  tensor->scores = s->scores[index];
  tensor->kept = s->kept[index];
  tensor->factors = s->factors[index];
  s->t.weights += count;
  return tensor;
}

static void
choose (some *s, double sparsity, double depth)
{
  s->t.sparsity = sparsity;
  assert_int_equal (trim_choose (&s->t, depth), ADZE_OK);
}

/* WANTED: "1" for each that stays. */
static void
stays (const trim_tensor *tensor, const char *wanted)
{
  char found[LONG + 1] = "";
  uint64_t gone = 0;
  for (size_t i = 0; i < tensor->count; i++) {
    found[i] = tensor->kept[i] ? '1' : '0';
    gone += !tensor->kept[i];
  }
  assert_string_equal (found, wanted);
  assert_int_equal (gone, tensor->gone);
}

static void
the_least_go_and_of_equal_ones_the_first (void **state)
{
  static const float a[] = { 3, 1, 2, 1 }, b[] = { 1, 5, 1, 0.5f };
  some s;
  (void)state;
  begin (&s);
  trim_tensor *one = add (&s, a, 4), *two = add (&s, b, 4);
  choose (&s, 0.5, 1); /* of the four that are 1 the first three */
  stays (one, "1010");
  stays (two, "0110");
  choose (&s, 0.625, 1); /* what went stays away, and one more goes */
  stays (one, "1010");
  stays (two, "0100");
  choose (&s, 0.25, 1); /* a lower share brings nothing back */
  stays (two, "0100");
}

/* Movement has scores below zero; what is no number is not chosen. */
static void
scores_of_any_sign_are_in_order (void **state)
{
  static const float a[] = { -0.0f, -1, 2, NAN, -3, 0, 1e-30f, -1e-30f };
  some s;
  (void)state;
  begin (&s);
  trim_tensor *one = add (&s, a, 8);
  choose (&s, 0.25, 1);
  stays (one, "10110111");
  choose (&s, 0.5, 1); /* the two zeros are equal, and the first goes */
  stays (one, "00110110");
  choose (&s, 0.875, 1);
  stays (one, "00010000");
}

static void
each_tensor_has_its_share (void **state)
{
  static const float a[] = { 9, 8, 7, 6 }, b[] = { 1, 2, 3, 4, 5 };
  some s;
  (void)state;
  begin (&s);
  s.t.global = false;
  trim_tensor *one = add (&s, a, 4), *two = add (&s, b, 5);
  choose (&s, 0.5, 1); /* 2.5 is rounded up */
  stays (one, "1100");
  stays (two, "00011");
}

static void
others_lose_what_one_may_not (void **state)
{
  static const float a[] = { 1, 2, 3, 4 }, b[] = { 5, 6, 7, 8 }, c[] = { 9, 9, 9, 9 };
  some s;
  (void)state;
  begin (&s);
  trim_tensor *one = add (&s, a, 4), *two = add (&s, b, 4), *three = add (&s, c, 4);
  one->most = 1;
  two->most = 3;
  choose (&s, 0.5, 1);
  stays (one, "0111");
  stays (two, "0001");
  stays (three, "0011");
  choose (&s, 0.9, 1); /* more than all may lose: as much as they may */
  stays (one, "0111");
  stays (two, "0001");
  stays (three, "0000");
}

static void
of_m_neighbours_the_best_stay (void **state)
{
  static const float a[] = { 1, 2, 3, 4, 5, 5, 5, 5, 2, 1, 3 };
  some s;
  (void)state;
  begin (&s);
  s.t.n = 2;
  s.t.m = 4;
  trim_tensor *one = add (&s, a, 11);
  choose (&s, 0, 0.5);
  stays (one, "01110111111");
  choose (&s, 0, 1);
  stays (one, "00110011101");
}

/* ---- Cuts. */

static void
cuts_are_where_and_as_deep_as_they_should_be (void **state)
{
  trim t = { .cuts = 5, .begin = 0.25, .end = 0.75, .lesson.total = 100 };
  (void)state;
  for (uint64_t i = 1; i <= 5; i++)
    assert_int_equal (trim_cut_step (&t, i), 25 + (i - 1) * 50 / 4 + (i % 2 == 0)); /* halves are rounded up */
  assert_true (trim_cut_depth (&t, 5) == 1);
  assert_true (fabs (trim_cut_depth (&t, 1) - (1 - 0.512)) < 1e-15);
  t.growth = TRIM_LINEAR;
  assert_true (fabs (trim_cut_depth (&t, 2) - 0.4) < 1e-15);
  t.growth = TRIM_ONCE;
  t.cuts = 1;
  assert_int_equal (trim_cut_step (&t, 1), 25);
  assert_true (trim_cut_depth (&t, 1) == 1);
  assert_int_equal (count_due (&t, 24), 0);
  assert_int_equal (count_due (&t, 25), 1);
}

/* Two groups of 6 and of 4, bundles of 4: of the first 2 go at once, then 4; it is the mean of a bundle that counts. */
static void
bundles_go_by_what_they_are_worth_on_average (void **state)
{
  static const double scores[] = { 9, 1, 8, 2, 7, 6, 3, 3, 3, 30 };
  static const size_t wanted[] = { 1, 3, 0, 2, 4, 5, 6, 7, 8, 9 };
  static const double means[] = { 1.5, 7.5, 9.75 };
  static const size_t sizes[] = { 2, 4, 4 };
  trim t;
  trim_order order[10];
  const trim_group groups[] = { { .count = 6 }, { .count = 4 } };
  (void)state;
  memset (&t, 0, sizeof t);
  t.multiple = 4;
  assert_int_equal (adze_bytes_add (&fake_host, &t.groups, groups, sizeof groups), ADZE_OK);
  for (size_t i = 0; i < 10; i++)
    order[i] = (trim_order){ .score = scores[i], .group = i >= 6, .number = i };
  assert_int_equal (bundle (&t, order, 10), 10);
  for (size_t i = 0, b = 0; i < 10; i += sizes[b++])
    for (size_t k = i; k < i + sizes[b]; k++) {
      assert_true (order[k].score == means[b] && order[k].bundle == sizes[b]);
      assert_int_equal (order[k].number, wanted[k]);
    }
  /* What makes no whole bundle stays: 2 of 3 go, the third has no company. */
  for (size_t i = 0; i < 3; i++)
    order[i] = (trim_order){ .score = scores[i], .group = 0, .number = i };
  assert_int_equal (bundle (&t, order, 3), 2);
  assert_true (order[0].number == 1 && order[1].number == 2);
  adze_bytes_release (&fake_host, &t.groups);
}

static void
masks_are_ones_and_zeros_of_the_type (void **state)
{
  static const float a[] = { 1, 2 };
  static const struct {
    adze_dtype dtype;
    double one;
  } types[] = { { { ADZE_FLOAT, 16, 1 }, 1 }, { { ADZE_BFLOAT, 16, 1 }, 1 }, { { ADZE_FLOAT, 32, 1 }, 1 },
                { { ADZE_FLOAT, 64, 1 }, 1 } };
  (void)state;
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    some s;
    double numbers[2];
    begin (&s);
    trim_tensor *one = add (&s, a, 2);
    one->dtype = types[i].dtype;
    one->kept[0] = 0;
    trim_set_factors (one);
    adze_doubles_read (one->dtype, one->factors, 2, numbers);
    assert_true (numbers[0] == 0 && numbers[1] == types[i].one);
  }
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (the_least_go_and_of_equal_ones_the_first),
    cmocka_unit_test (scores_of_any_sign_are_in_order),
    cmocka_unit_test (each_tensor_has_its_share),
    cmocka_unit_test (others_lose_what_one_may_not),
    cmocka_unit_test (of_m_neighbours_the_best_stay),
    cmocka_unit_test (cuts_are_where_and_as_deep_as_they_should_be),
    cmocka_unit_test (bundles_go_by_what_they_are_worth_on_average),
    cmocka_unit_test (masks_are_ones_and_zeros_of_the_type),
  };
  return cmocka_run_group_tests_name ("prune-train", tests, NULL, NULL);
}
