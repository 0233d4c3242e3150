/* SPDX-License-Identifier: Apache-2.0 */
/* What describe may say, and what it is told when it says what cannot be: every group, name, bound
 * and trait is looked at before anything is done for it; and an answer is the same behind a wire. */
#include "world.h"

#include "base/json.h"
#include "stage/outline.h"

static const int64_t square[] = { 4, 8 }, row[] = { 32 }, other[] = { 8, 4 };

static const adze_tensor_meta metas[] = {
  { .struct_size = sizeof metas[0], .rank = 2, .name = "a", .shape = square,
    .dtype = { ADZE_FLOAT, 32, 1 }, .byte_size = 128 },
  { .struct_size = sizeof metas[0], .rank = 1, .name = "b", .shape = row,
    .dtype = { ADZE_FLOAT, 32, 1 }, .byte_size = 128 },
  { .struct_size = sizeof metas[0], .rank = 2, .name = "packed", .shape = square,
    .dtype = { ADZE_OPAQUE, 8, 1 }, .block_elements = 8, .block_bytes = 5, .codec = "q",
    .byte_size = 20 },
  { .struct_size = sizeof metas[0], .rank = 2, .name = "nibbles", .shape = other,
    .dtype = { ADZE_INT, 4, 1 }, .byte_size = 16 },
};

static adze_outline_tensor tensors[ADZE_COUNT_OF (metas)];
static adze_outline_port port = { tensors, ADZE_COUNT_OF (metas) };

static adze_outline
begin (uint32_t effect, uint32_t grain, bool final)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (metas); i++)
    tensors[i].meta = &metas[i];
  return (adze_outline){ .ports = &port, .port_count = 1, .effect = effect, .grain = grain,
                         .final = final };
}

/* From tensor FROM to OUTPUT; NULL: dropped. */
static adze_group
group_of (const adze_pick *from, uint32_t count, const adze_tensor_meta *output)
{
  return (adze_group){ .struct_size = sizeof (adze_group), .input_count = count, .inputs = from,
                       .outputs = output, .output_count = output != NULL,
                       .meta_size = sizeof *output };
}

static void
must_refuse (adze_outline *outline, const adze_group *group, const char *part)
{
  size_t before = outline->group_count;
  must_fail (adze_outline_add (outline, group), ADZE_E_CONTRACT, part, NULL);
  assert_int_equal (outline->group_count, before);
}

static void
groups_that_cannot_be (void **state)
{
  adze_outline outline = begin (ADZE_CHANGES, ADZE_GRAIN_TENSOR, true);
  const adze_pick first = { 0, 0 }, nowhere = { 0, 9 }, no_port = { 7, 0 };
  const adze_pick twice[] = { { 0, 1 }, { 0, 1 } };
  adze_group group = group_of (&nowhere, 1, &metas[0]);
  (void)state;
  must_refuse (&outline, &group, "not there");
  group = group_of (&no_port, 1, &metas[0]);
  must_refuse (&outline, &group, "not there");
  group = group_of (&first, 0, &metas[0]);
  must_refuse (&outline, &group, "no inputs");
  group = group_of (&first, UINT32_MAX, &metas[0]);
  must_refuse (&outline, &group, "there are 4 tensors");
  group = group_of (twice, 2, &metas[0]);
  must_refuse (&outline, &group, "twice in one");
  group = group_of (&first, 1, &metas[0]);
  group.struct_size = 4;
  must_refuse (&outline, &group, "struct_size");
  group.struct_size = sizeof group;
  group.meta_size = 24;
  must_refuse (&outline, &group, "meta_size");
  group.meta_size = sizeof metas[0];
  group.at_most = 1;
  must_refuse (&outline, &group, "as a bound");
  group.at_most = 0;
  adze_tensor_meta bad = metas[0];
  group.outputs = &bad;
  bad.name = "";
  must_refuse (&outline, &group, "no name");
  bad.name = "a";
  bad.rank = 33;
  must_refuse (&outline, &group, "33 dimensions");
  bad.rank = 2;
  const int64_t negative[] = { 4, -8 };
  bad.shape = negative;
  must_refuse (&outline, &group, "-8");
  /* What was refused has taken nothing. */
  group.outputs = &metas[0];
  must (adze_outline_add (&outline, &group));
  must_refuse (&outline, &group, "in two groups");
  adze_outline_clear (&outline);
}

static void
one_that_inspects (void **state)
{
  adze_outline outline = begin (ADZE_INSPECTS, ADZE_GRAIN_TENSOR, true);
  const adze_pick first = { 0, 0 };
  adze_group group = group_of (&first, 1, &metas[0]);
  const adze_meta value = adze_meta_text ("x", 1);
  (void)state;
  must_refuse (&outline, &group, "only inspects");
  must_fail (adze_outline_metadata (&outline, (adze_text){ "k", 1 }, &value), ADZE_E_CONTRACT,
             "only inspects", NULL);
  must_fail (adze_outline_trait_text (&outline, "a", "t", "{}"), ADZE_E_CONTRACT, "only inspects",
             NULL);
  must (adze_outline_add_all (&outline));
  assert_int_equal (outline.group_count, 4);
  assert_int_equal (outline.groups[0].output_count, 0);
  must (adze_outline_check (&outline));
  adze_outline_clear (&outline);
}

static void
grains (void **state)
{
  const adze_pick both[] = { { 0, 0 }, { 0, 1 } }, packed = { 0, 2 }, nibbles = { 0, 3 };
  adze_group group = group_of (both, 2, &metas[0]);
  (void)state;
  /* As many elements, in rows of another length. */
  adze_outline outline = begin (ADZE_CHANGES, ADZE_GRAIN_ROW, true);
  must_refuse (&outline, &group, "rows of the same length");
  adze_group rows = group_of (&packed, 1, &metas[2]);
  must (adze_outline_add (&outline, &rows));
  rows = group_of (&nibbles, 1, &metas[3]);
  must (adze_outline_add (&outline, &rows));
  adze_outline_clear (&outline);
  outline = begin (ADZE_CHANGES, ADZE_GRAIN_ELEMENT, true);
  must (adze_outline_add (&outline, &group));
  adze_group blocks = group_of (&packed, 1, &metas[2]);
  must_refuse (&outline, &blocks, "encoded by q");
  /* What is dropped is not seen, and may be anything. */
  blocks = group_of (&packed, 1, NULL);
  must (adze_outline_add (&outline, &blocks));
  adze_outline_clear (&outline);
}

/* Tensors whose first dimensions count the same rows are cut by these, however long the rows are. */
static void
rows_of_any_length (void **state)
{
  static const int64_t scales[] = { 4 }, odd[] = { 4, 3 };
  const adze_pick first = { 0, 0 };
  adze_tensor_meta outputs[] = { metas[0], metas[0], metas[0] };
  adze_group group = group_of (&first, 1, outputs);
  (void)state;
  outputs[1].name = "a.scale";
  outputs[1].rank = 1;
  outputs[1].shape = scales;
  outputs[2].name = "a.book";
  outputs[2].rank = 1;
  outputs[2].shape = row;
  group.output_count = 3;
  group.row_rank = 1;
  group.once = 4;
  adze_outline outline = begin (ADZE_CHANGES, ADZE_GRAIN_TENSOR, true);
  must (adze_outline_add (&outline, &group));
  const adze_outline_group *added = &outline.groups[0];
  assert_int_equal (adze_outline_cut (&outline, added, false).grain, ADZE_GRAIN_ROW);
  assert_int_equal (adze_outline_cut (&outline, added, true).grain, ADZE_GRAIN_ROW);
  assert_true (adze_outline_once (added, 2));
  assert_false (adze_outline_once (added, 1));
  adze_outline_clear (&outline);
  group.observes_whole = 1;
  group.scratch = 12345;
  must (adze_outline_add (&outline, &group));
  assert_int_equal (adze_outline_cut (&outline, &outline.groups[0], true).grain, ADZE_GRAIN_TENSOR);
  /* Behind a wire it is the same. */
  ADZE_AUTO_VALUE value = adze_value_new (ADZE_VALUE_TABLE);
  adze_outline_answer_value (&outline, value);
  adze_outline there = begin (ADZE_CHANGES, ADZE_GRAIN_TENSOR, true);
  must (adze_outline_answer_from (&there, value));
  assert_int_equal (there.groups[0].row_rank, 1);
  assert_true (there.groups[0].observes_whole);
  assert_int_equal (there.groups[0].once, 4);
  assert_int_equal (there.groups[0].scratch, 12345);
  adze_outline_clear (&there);
  adze_outline_clear (&outline);
  group.scratch = UINT64_MAX;
  must_refuse (&outline, &group, "no machine has as many");
  group.scratch = 0;
  group.once = 0;
  must_refuse (&outline, &group, "'a' and 'a.book'");
  group.once = 5;
  must_refuse (&outline, &group, "the first one");
  group.once = 12;
  must_refuse (&outline, &group, "not there");
  group.once = 4;
  group.row_rank = 0;
  must_refuse (&outline, &group, "no .row_rank");
  group.row_rank = 33;
  must_refuse (&outline, &group, ".row_rank 33");
  group.row_rank = 1;
  /* Three of four bits end inside of a byte. */
  outputs[0].shape = odd;
  outputs[0].dtype = (adze_dtype){ ADZE_INT, 4, 1 };
  must_refuse (&outline, &group, "inside of a byte");
  adze_outline_clear (&outline);
}

static void
the_same_bytes (void **state)
{
  adze_outline outline = begin (ADZE_CHANGES, ADZE_GRAIN_TENSOR, true);
  const adze_pick first = { 0, 0 };
  adze_tensor_meta renamed = metas[0];
  adze_group group = group_of (&first, 1, &renamed);
  (void)state;
  group.same_bytes = 1;
  renamed.name = "new";
  renamed.dtype.bits = 16;
  must_refuse (&outline, &group, "another type");
  renamed.dtype.bits = 32;
  renamed.shape = row;
  renamed.rank = 1;
  must (adze_outline_add (&outline, &group));
  adze_outline_clear (&outline);
}

static void
names_and_traits (void **state)
{
  adze_outline outline = begin (ADZE_CHANGES, ADZE_GRAIN_TENSOR, true);
  const adze_pick first = { 0, 0 };
  adze_tensor_meta renamed = metas[0];
  adze_group group = group_of (&first, 1, &renamed);
  (void)state;
  renamed.name = "b";
  must (adze_outline_add (&outline, &group));
  must_fail (adze_outline_check (&outline), ADZE_E_CONTRACT, "have the name 'b'", NULL);
  adze_outline_clear (&outline);
  must_fail (adze_outline_trait_text (&outline, "a", "t", "{"), ADZE_E_FORMAT, "'t' of 'a'", NULL);
  must_fail (adze_outline_trait_text (&outline, "a", "t", "[1]"), ADZE_E_CONTRACT, "no object",
             NULL);
  must (adze_outline_trait_text (&outline, "nobody", "t", "{}"));
  must_fail (adze_outline_check (&outline), ADZE_E_CONTRACT, "no such tensor", NULL);
  adze_outline_clear (&outline);
}

/* Names of any bytes, values of every kind. */
static void
an_answer_crosses (void **state)
{
  adze_outline outline = begin (ADZE_CHANGES, ADZE_GRAIN_TENSOR, false);
  const adze_pick both[] = { { 0, 0 }, { 0, 1 } };
  adze_tensor_meta odd = metas[2];
  const adze_text texts[] = { { "x\0y", 3 }, { "\xff", 1 } };
  const uint16_t numbers[] = { 1, 65535 };
  const adze_meta inner[] = { { .type = ADZE_META_ARRAY, .item = ADZE_META_U16, .count = 2,
                                .items = numbers },
                              { .type = ADZE_META_ARRAY, .item = ADZE_META_STRING, .count = 2,
                                .items = texts } };
  const adze_meta nested = { .type = ADZE_META_ARRAY, .item = ADZE_META_ARRAY, .count = 2,
                             .items = inner };
  const adze_meta number = { .type = ADZE_META_F64, .bits = UINT64_MAX };
  adze_group group = group_of (both, 2, &odd);
  (void)state;
  odd.name = "name \xfe of any \"bytes\"";
  group.at_most = 1;
  group.note = "two -> one";
  must (adze_outline_add (&outline, &group));
  must (adze_outline_metadata (&outline, (adze_text){ "k\0l", 3 }, &nested));
  must (adze_outline_metadata (&outline, (adze_text){ "n", 1 }, &number));
  must (adze_outline_metadata (&outline, (adze_text){ "gone", 4 }, NULL));
  must (adze_outline_trait_text (&outline, odd.name, "adze.nm/1", "{\"n\": 2, \"m\": 4}"));
  must (adze_outline_trait_text (&outline, odd.name, "old", NULL));
  ADZE_AUTO_VALUE value = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO (adze_buffer) text = { 0 };
  ADZE_AUTO (adze_document) document = { 0 };
  adze_outline_answer_value (&outline, value);
  adze_json_write (value, 0, &text);
  must (adze_json_parse ("<wire>", text.data, text.size, &document));
  adze_outline there = begin (ADZE_CHANGES, ADZE_GRAIN_TENSOR, false);
  must (adze_outline_answer_from (&there, document.root));
  assert_int_equal (there.group_count, 1);
  assert_true (adze_tensor_meta_equal (there.groups[0].outputs[0], outline.groups[0].outputs[0]));
  assert_string_equal (there.groups[0].note, "two -> one");
  assert_true (there.groups[0].at_most && !there.groups[0].same_bytes);
  assert_int_equal (there.edit_count, 3);
  assert_int_equal (there.edits[0].key_size, 3);
  assert_true (adze_meta_equal (&there.edits[0].holder.entries[0].value, &nested));
  assert_true (adze_meta_equal (&there.edits[1].holder.entries[0].value, &number));
  assert_true (there.edits[2].remove);
  assert_int_equal (there.trait_count, 2);
  assert_true (adze_value_equal (there.traits[0].json, outline.traits[0].json));
  assert_null (there.traits[1].json);
  adze_outline_clear (&there);
  adze_outline_clear (&outline);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (groups_that_cannot_be), cmocka_unit_test (one_that_inspects),
    cmocka_unit_test (grains),
    cmocka_unit_test (rows_of_any_length),                cmocka_unit_test (the_same_bytes),
    cmocka_unit_test (names_and_traits),      cmocka_unit_test (an_answer_crosses),
  };
  return cmocka_run_group_tests_name ("outline", tests, NULL, NULL);
}
