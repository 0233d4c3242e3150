/* SPDX-License-Identifier: Apache-2.0 */
/* codes-peer MODEL [PLAIN]: prints for each coded tensor of a model its name, its codec, its type in the
 * model, and a hash of the numbers that the codec makes of it; for a network, which has nodes for that, a
 * hash of what it makes of zeros. PLAIN, a model of the same tensors as float32: how far the numbers are
 * from its own is printed as well, in parts of their length. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "artifact/codec.h"
#include "artifact/format.h"
#include "graph/executable.h"
#include "graph/from_model.h"
#include "graph/load.h"
#include "plugin/manifest/params.h"

/* Zeros are the same, whatever their sign: adding nothing may have changed it. */
static adze_error *
print_distance (const adze_model *plain, const char *name, const float *numbers, size_t count)
{
  const adze_model_tensor *tensor = adze_model_find (plain, name);
  double apart = 0, length = 0;
  if (!tensor || tensor->meta.byte_size != count * sizeof (float))
    return adze_error_new (ADZE_E_NOT_FOUND, "%s has no such tensor '%s'", plain->path, name);
  ADZE_AUTO_FREE float *own = malloc (count * sizeof *own + 1);
  if (!own)
    return adze_error_memory ();
  ADZE_TRY (adze_model_read (plain, tensor, 0, own, count * sizeof *own));
  for (size_t i = 0; i < count; i++) {
    apart += ((double)numbers[i] - (double)own[i]) * ((double)numbers[i] - (double)own[i]);
    length += (double)own[i] * (double)own[i];
  }
  printf (" %.6g", sqrt (apart / length));
  return NULL;
}

static void
print_numbers (const char *what, const char *codec, const char *type, float *numbers, size_t count)
{
  char text[ADZE_HASH_TEXT];
  for (size_t i = 0; i < count; i++)
    numbers[i] += 0.0f;
  adze_hash_text (adze_leaf_hash (numbers, count * sizeof *numbers), text);
  printf ("%s %s %s %s", what, codec, type, text);
}

/* ---- Codes. */

typedef struct coded_tensor {
  const adze_model *model;
  adze_tensor_meta meta; /* of its numbers */
  int64_t shape[ADZE_RANK_MAX];
  const char *codec;
  adze_params *params;
  adze_codec_use *use;
  adze_coded coded;
  void *planes[ADZE_PLANES_MAX];
  float *numbers;
} coded_tensor;

static void
coded_tensor_cleanup (coded_tensor *t)
{
  for (uint32_t i = 0; i < ADZE_PLANES_MAX; i++)
    free (t->planes[i]);
  free (t->numbers);
  adze_codec_close (t->use);
  adze_params_free (t->params);
}

/* What it was before, as far as anybody says. */
static void
take_meta (coded_tensor *t, const adze_model_tensor *tensor, const adze_value *said)
{
  const adze_value *shape = adze_value_get (said, "shape");
  t->meta = (adze_tensor_meta){ .struct_size = sizeof t->meta,
                                .rank = shape ? (int32_t)shape->count : tensor->meta.rank,
                                .name = tensor->meta.name,
                                .shape = t->shape,
                                .dtype = { ADZE_FLOAT, 32, 1 } };
  for (int32_t i = 0; i < t->meta.rank; i++)
    t->shape[i] = shape ? shape->items[i]->integer : tensor->meta.shape[i];
}

static adze_error *
open_codec (adze_runtime *runtime, const adze_value *params, coded_tensor *t)
{
  adze_plugin_record *record;
  const adze_manifest_component *component;
  const adze_document document = { 0 };
  ADZE_TRY (adze_find_component (runtime, t->codec, &record, &component));
  ADZE_TRY (adze_params_bind (component, &document, params, NULL, NULL, NULL, NULL, &t->params));
  ADZE_TRY (adze_codec_open (runtime, t->codec, t->params, NULL, &t->use));
  return adze_codec_describe (t->use, &t->meta, NULL, &t->coded);
}

static adze_error *
read_plane (coded_tensor *t, uint32_t number)
{
  adze_plane *plane = &t->coded.planes[number];
  ADZE_AUTO_FREE char *name = adze_text_format ("%s%s", t->meta.name, plane->suffix);
  const adze_model_tensor *tensor = name ? adze_model_find (t->model, name) : NULL;
  if (!tensor)
    return adze_error_new (ADZE_E_NOT_FOUND, "there is no %s", name ? name : "memory");
  if (plane->dtype.code != ADZE_OPAQUE) {
    plane->rank = tensor->meta.rank;
    for (int32_t i = 0; i < plane->rank; i++)
      plane->shape[i] = tensor->meta.shape[i];
  }
  size_t size = tensor->meta.byte_size;
  t->planes[number] = malloc (size + 1);
  return t->planes[number] ? adze_model_read (t->model, tensor, 0, t->planes[number], size) : adze_error_memory ();
}

static adze_error *
decode (coded_tensor *t)
{
  adze_coding coding = { .struct_size = sizeof coding,
                         .meta = &t->meta,
                         .coded = &t->coded,
                         .row_count = adze_coded_rows (&t->coded, &t->meta),
                         .columns = adze_coded_columns (&t->coded, &t->meta) };
  for (uint32_t i = 0; i < t->coded.plane_count; i++) {
    ADZE_TRY (read_plane (t, i));
    coding.planes[i] = t->planes[i];
  }
  t->numbers = calloc (coding.row_count * coding.columns + 1, sizeof *t->numbers);
  if (!t->numbers)
    return adze_error_memory ();
  coding.values = t->numbers;
  ADZE_TRY (adze_codec_decode (t->use, &coding));
  return NULL;
}

static adze_error *
print_tensor (adze_runtime *runtime, const adze_model *model, const adze_model_tensor *tensor, const adze_model *plain)
{
  const adze_value *said = adze_value_get (tensor->traits, ADZE_TRAIT_CODED);
  const adze_value *codec = adze_value_get (said, "codec");
  __attribute__ ((cleanup (coded_tensor_cleanup))) coded_tensor t
      = { .model = model, .codec = codec ? codec->string : tensor->meta.codec };
  if (!t.codec)
    return NULL;
  take_meta (&t, tensor, said);
  ADZE_TRY (open_codec (runtime, adze_value_get (said, "params"), &t));
  ADZE_TRY (decode (&t));
  size_t count = adze_coded_rows (&t.coded, &t.meta) * adze_coded_columns (&t.coded, &t.meta);
  print_numbers (tensor->meta.name, t.codec, adze_meta_type_word (&tensor->meta), t.numbers, count);
  if (plain)
    ADZE_TRY (print_distance (plain, tensor->meta.name, t.numbers, count));
  puts ("");
  return NULL;
}

/* ---- A network of one input. */

static adze_error *
print_network (adze_runtime *runtime, const adze_model *model)
{
  ADZE_AUTO_GRAPH graph = NULL;
  ADZE_AUTO_EXECUTABLE executable = NULL;
  adze_backend_at_work *ref;
  size_t count;
  const adze_view *output;
  ADZE_TRY (adze_backend_open (runtime, "ref", NULL, NULL, &ref));
  ADZE_TRY (adze_graph_from_model (runtime, model, &graph));
  ADZE_TRY (adze_graph_load_weights (graph, model, NULL));
  const adze_graph_value *input = adze_graph_value_at (graph, adze_graph_inputs (graph, &count)[0]);
  adze_view view = { .device = { ADZE_DEVICE_CPU, 0 },
                     .dtype = input->dtype,
                     .rank = input->rank,
                     .shape = (int64_t *)(uintptr_t)input->shape };
  const adze_view *inputs[] = { &view };
  ADZE_AUTO_FREE void *zeros = calloc (adze_view_count (&view) + 1, sizeof (float));
  const adze_compile_options options = { .ref = ref, .fixed_weights = true };
  view.data = zeros;
  if (!zeros)
    return adze_error_memory ();
  ADZE_TRY (adze_graph_compile (graph, &options, &executable));
  ADZE_TRY (adze_execute (executable, inputs, &output));
  print_numbers ("the-network", "-", "-", adze_view_data (output), adze_view_count (output));
  puts ("");
  adze_executable_free (adze_take (&executable));
  adze_backend_close (ref);
  return NULL;
}

static adze_error *
print_model (adze_runtime *runtime, const char *path, const char *plain_path)
{
  ADZE_AUTO_MODEL model = NULL;
  ADZE_AUTO_MODEL plain = NULL;
  ADZE_TRY (adze_model_open (runtime, path, NULL, &model));
  if (plain_path)
    ADZE_TRY (adze_model_open (runtime, plain_path, NULL, &plain));
  if (model->part_count > 0)
    return print_network (runtime, model);
  for (size_t i = 0; i < model->count; i++)
    ADZE_TRY (print_tensor (runtime, model, &model->tensors[i], plain));
  return NULL;
}

int
main (int argc, char **argv)
{
  adze_runtime *runtime = NULL;
  if (argc < 2)
    return 2;
  ADZE_AUTO_ERROR error = adze_runtime_open (NULL, &runtime);
  if (!error)
    error = print_model (runtime, argv[1], argc > 2 ? argv[2] : NULL);
  for (const adze_error *at = error; at; at = adze_error_cause (at))
    fprintf (stderr, "%s\n", adze_error_message (at));
  adze_runtime_close (runtime);
  return error ? 1 : 0;
}
