/* SPDX-License-Identifier: Apache-2.0 */
/* Every codec that there is, in a network: its nodes make the numbers of the planes that decoding makes, in each
 * backend. */
#include "with-onednn.h"

#include <math.h>

#include "artifact/codec.h"
#include "graph/from_model.h"
#include "plugin/manifest/params.h"

enum { ROWS = 5, COLUMNS = 512, NUMBERS = ROWS * COLUMNS, MOST_NODES = 200 };

/* A tensor, its planes and what the codec itself makes of them. */
typedef struct coded_tensor {
  adze_tensor_meta meta;
  int64_t shape[2];
  adze_coded coded;
  float values[NUMBERS], back[NUMBERS];
  _Alignas (16) uint8_t planes[ADZE_PLANES_MAX][NUMBERS * 4];
} coded_tensor;

static unsigned seed;

static float
draw (void)
{
  float sum = 0;
  for (int i = 0; i < 4; i++) {
    seed = seed * 1664525u + 1013904223u;
    sum += (float)(seed >> 8) / 8388608.0f - 1;
  }
  return sum;
}

/* Scales that are common, large, and such that a half has few digits left; one row is zeros, one is far from zero. */
static void
fill (coded_tensor *t)
{
  static const float sizes[ROWS] = { 0.05f, 500, 1e-6f, 0, 1 };
  seed = 5;
  memset (t, 0, sizeof *t);
  for (size_t i = 0; i < NUMBERS; i++)
    t->values[i] = draw () * sizes[i / COLUMNS] + (i / COLUMNS == 4 ? 7 : 0);
  t->shape[0] = ROWS;
  t->shape[1] = COLUMNS;
  t->meta = (adze_tensor_meta){
    .struct_size = sizeof t->meta, .rank = 2, .name = "t", .shape = t->shape, .dtype = { ADZE_FLOAT, 32, 1 }
  };
}

static adze_params *params;

static adze_codec_use *
open_codec (adze_runtime *runtime, const char *id)
{
  static const char *const none[] = { NULL };
  adze_plugin_record *record;
  const adze_manifest_component *component;
  adze_codec_use *use;
  ADZE_AUTO (adze_document) document = { 0 };
  must (adze_find_component (runtime, id, &record, &component));
  must (adze_settings_parse (component, none, &document));
  must (adze_params_bind (component, &document, document.root, NULL, NULL, NULL, NULL, &params));
  must (adze_codec_open (runtime, id, params, adze_graph_services, &use));
  return use;
}

static void
close_codec (adze_codec_use *use)
{
  adze_codec_close (use);
  adze_params_free (params);
}

/* All rows, into T->back. */
static void
decode (adze_codec_use *use, coded_tensor *t)
{
  adze_coding coding = { .struct_size = sizeof coding,
                         .meta = &t->meta,
                         .coded = &t->coded,
                         .row_count = adze_coded_rows (&t->coded, &t->meta),
                         .columns = adze_coded_columns (&t->coded, &t->meta),
                         .values = t->back };
  for (uint32_t i = 0; i < t->coded.plane_count; i++)
    coding.planes[i] = t->planes[i];
  must (adze_codec_decode (use, &coding));
}

static void
code (adze_codec_use *use, coded_tensor *t)
{
  size_t size;
  must (adze_codec_accumulator (use, &t->meta, &size));
  ADZE_AUTO_FREE void *found = size > 0 ? calloc (1, size) : NULL;
  if (found)
    must (adze_codec_observe (use, &t->meta, t->values, 0, NUMBERS, found));
  must (adze_codec_describe (use, &t->meta, found, &t->coded));
  adze_coding coding = { .struct_size = sizeof coding,
                         .meta = &t->meta,
                         .coded = &t->coded,
                         .found = found,
                         .row_count = adze_coded_rows (&t->coded, &t->meta),
                         .columns = adze_coded_columns (&t->coded, &t->meta),
                         .values = t->values };
  for (uint32_t i = 0; i < t->coded.plane_count; i++)
    coding.planes[i] = t->planes[i];
  must (adze_codec_encode (use, &coding));
  decode (use, t);
}

/* The network whose inputs are the planes, and whose output is their numbers. */
static adze_graph *
network_of (adze_codec_use *use, coded_tensor *t, adze_view *views, const adze_view **inputs)
{
  adze_graph *graph;
  uint32_t planes[ADZE_PLANES_MAX], numbers;
  char name[] = "plane0";
  adze_coded_as_bytes (&t->coded, &t->meta);
  must (adze_graph_new (adze_codec_id (use), &graph));
  for (uint32_t i = 0; i < t->coded.plane_count; i++) {
    const adze_plane *plane = &t->coded.planes[i];
    name[5] = (char)('0' + i);
    must (adze_graph_add_input (graph, name, plane->dtype, plane->rank, plane->shape, &planes[i]));
    views[i] = (adze_view){ .data = t->planes[i],
                            .device = { ADZE_DEVICE_CPU, 0 },
                            .dtype = plane->dtype,
                            .rank = plane->rank,
                            .shape = (int64_t *)(uintptr_t)plane->shape };
    inputs[i] = &views[i];
  }
  must (adze_codec_graph (use, &t->meta, &t->coded, graph, planes, &numbers));
  must (adze_graph_add_output (graph, numbers));
  must (adze_graph_verify (graph));
  assert_true (adze_graph_node_count (graph) <= MOST_NODES);
  return graph;
}

static void
check_backend (const engine *e, adze_backend_at_work *backend, const char *id, const coded_tensor *t, adze_graph *graph,
               const adze_view *const *inputs)
{
  const adze_compile_options options = { .backend = backend, .ref = e->ref };
  const adze_view *output;
  ADZE_AUTO_EXECUTABLE executable = NULL;
  must (adze_graph_compile (graph, &options, &executable));
  must (adze_execute (executable, inputs, &output));
  const float *made = adze_view_data (output);
  assert_int_equal (output->rank, 2);
  assert_int_equal (output->shape[0], ROWS);
  assert_int_equal (output->shape[1], COLUMNS);
  for (size_t i = 0; i < NUMBERS; i++)
    if (!(made[i] == t->back[i]) && !(isnan (made[i]) && isnan (t->back[i])))
      fail_msg ("%s: the network makes %.9g of element %zu, decoding %.9g", id, (double)made[i], i,
                (double)t->back[i]);
}

/* What a codebook has room for. */
static void
make_few (coded_tensor *t)
{
  for (size_t i = 0; i < NUMBERS; i++)
    t->values[i] = ((float)(i * 7 % 201) - 100) / 8;
}

static void
a_network_makes_the_numbers_that_decoding_makes (void **state)
{
  static coded_tensor t;
  const engine *e = *state;
  const adze_component_info *const *components;
  size_t count;
  must (adze_component_list (e->runtime, ADZE_CODEC, &components, &count));
  assert_true (count >= 20);
  for (size_t i = 0; i < count; i++) {
    adze_view views[ADZE_PLANES_MAX];
    const adze_view *inputs[ADZE_PLANES_MAX];
    adze_codec_use *use = open_codec (e->runtime, components[i]->id);
    fill (&t);
    if (strcmp (components[i]->id, "codebook") == 0)
      make_few (&t);
    code (use, &t);
    if (adze_codec_has_graph (use)) {
      ADZE_AUTO_GRAPH graph = network_of (use, &t, views, inputs);
      check_backend (e, NULL, components[i]->id, &t, graph, inputs);
      check_backend (e, e->other, components[i]->id, &t, graph, inputs);
    } else
      printf ("%s has no form in a network\n", components[i]->id);
    close_codec (use);
  }
}

/* Files of others have scales of 16 bits that are infinite. Their numbers come back infinite, or as none; but the
 * network has neither in it. */
static void
what_is_too_large_is_infinite_in_a_network_too (void **state)
{
  static coded_tensor t;
  const engine *e = *state;
  adze_view views[ADZE_PLANES_MAX];
  const adze_view *inputs[ADZE_PLANES_MAX];
  adze_codec_use *use = open_codec (e->runtime, "q8_0");
  fill (&t);
  code (use, &t);
  enum { BLOCK = 34, BLOCKS = COLUMNS / 32 };
  for (size_t i = BLOCKS; i < (size_t)2 * BLOCKS; i++)
    memcpy (&t.planes[0][i * BLOCK], "\0\x7c", 2);
  decode (use, &t);
  assert_true (isinf (t.back[COLUMNS]) || isnan (t.back[COLUMNS]));
  ADZE_AUTO_GRAPH graph = network_of (use, &t, views, inputs);
  for (uint32_t i = 0; i < adze_graph_value_count (graph); i++) {
    const adze_graph_value *value = adze_graph_value_at (graph, i);
    const float *numbers = value->dtype.code == ADZE_FLOAT ? value->data : NULL;
    for (int64_t k = 0; numbers && k < value->shape[0]; k++)
      assert_true (isfinite (numbers[k]));
  }
  check_backend (e, NULL, "q8_0", &t, graph, inputs);
  check_backend (e, e->other, "q8_0", &t, graph, inputs);
  close_codec (use);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (a_network_makes_the_numbers_that_decoding_makes),
    cmocka_unit_test (what_is_too_large_is_infinite_in_a_network_too),
  };
  int ended = end_without_onednn ();
  return ended >= 0 ? ended : cmocka_run_group_tests (tests, open_with_onednn, engine_close);
}
