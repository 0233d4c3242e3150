/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign functions as techniques: parameters, whole tensors and single elements, and inputs that
 * the function is not made for. */
#define _GNU_SOURCE 1
#include "foreign-manifests.h"

#include <math.h>

#include "plugin/host_table.h"
#include "plugin/manifest/params.h"
#include "plugin/services.h"

/* ---- Techniques. */

/* A host's side of one technique: the table with an output service of its own. */
typedef struct stage {
  bound bound;
  adze_desk *desk;
  adze_pool *pool;
  adze_params *params;
  void *instance;
} stage;

/* What adze_call is to this test's host. */
typedef struct output {
  void *data;
  int64_t shape[4];
  int asked;
} output;

static adze_status
give_output (const adze_host *host, adze_call *call, adze_dtype dtype, int32_t rank,
             const int64_t *shape, adze_view *out)
{
  (void)host;
  output *o = (output *)call;
  size_t count = 1;
  for (int32_t i = 0; i < rank; i++)
    count *= (size_t)(o->shape[i] = shape[i]);
  o->asked++;
  o->data = calloc (count + 1, dtype.bits / 8);
  *out = (adze_view){ .data = o->data, .device = { ADZE_DEVICE_CPU, 0 }, .rank = rank,
                      .dtype = dtype, .shape = o->shape };
  return o->data ? ADZE_OK : ADZE_E_MEMORY;
}

static const adze_call_service call_service = { .struct_size = sizeof (adze_call_service), .output = give_output };

static void
stage_cleanup (stage *s)
{
  if (s->instance)
    adze_foreign_callbacks.destroy (adze_desk_table (s->desk), s->instance);
  if (s->desk) {
    assert_int_equal (adze_desk_outstanding (s->desk), 0);
    adze_desk_close (s->desk);
  }
  adze_params_free (s->params);
  adze_pool_close (s->pool);
  bound_cleanup (&s->bound);
}

static adze_error *
stage_create (stage *s)
{
  adze_desk_frame frame;
  adze_desk_enter (s->desk, &frame);
  adze_status status = adze_foreign_callbacks.create (adze_desk_table (s->desk), s->params,
                                                      &s->instance);
  return adze_desk_leave (&frame, "create", status);
}

static const void *
find_service (const char *id, bool bare)
{
  return strcmp (id, ADZE_CALL) == 0 ? &call_service : adze_service_find (id, bare);
}

/* SETTINGS are lines of TOML. */
static adze_error *
stage_make (stage *s, const char *id, const char *settings)
{
  const adze_foreign_technique *technique = NULL;
  ADZE_AUTO (adze_document) document = { 0 };
  must (adze_foreign_technique_find (s->bound.foreign, id, &technique));
  must (adze_toml_parse ("settings", settings, strlen (settings), &document));
  must (adze_params_bind (adze_manifest_find (s->bound.manifest, id), &document, document.root,
                          NULL, NULL, NULL, NULL, &s->params));
  must (adze_pool_open (2, &s->pool));
  adze_desk_options options = {
    .profile = &adze_profile_everyday,
    .pool = s->pool,
    .services = find_service,
    .source = id,
    .own = (void *)technique,
  };
  must (adze_desk_open (&options, &s->desk));
  return stage_create (s);
}

static adze_error *
stage_apply (stage *s, const adze_tensor *input, output *o)
{
  adze_desk_frame frame;
  *o = (output){ 0 };
  adze_desk_enter (s->desk, &frame);
  adze_status status = adze_foreign_callbacks.apply (adze_desk_table (s->desk), s->instance,
                                                     (adze_call *)o, input);
  return adze_desk_leave (&frame, "apply", status);
}

static adze_tensor
tensor_of (void *data, uint8_t bits, int64_t *shape, int32_t rank)
{
  adze_tensor tensor = { .struct_size = sizeof tensor, .name = "w" };
  tensor.view = (adze_view){ .data = data, .device = { ADZE_DEVICE_CPU, 0 }, .rank = rank,
                             .dtype = { ADZE_FLOAT, bits, 1 }, .shape = shape };
  return tensor;
}

static void
libm_becomes_a_technique (void **state)
{
  (void)state;
  enum { COUNT = 20000 };
  ADZE_AUTO (stage) s = { 0 };
  ADZE_AUTO_FREE char *path = NULL;
  ADZE_AUTO_FREE float *data = calloc (COUNT, sizeof *data);
  assert_non_null (data);
  for (int i = 0; i < COUNT; i++)
    data[i] = (float)(i - COUNT / 2) / 1000;
  s.bound.manifest = read_shipped ("libm.toml", &path);
  must (adze_foreign_bind (s.bound.manifest, path, &s.bound.foreign));
  must (adze_foreign_self_test (s.bound.foreign));
  must (stage_make (&s, "libm-tanh", ""));
  adze_tensor tensor = tensor_of (data, 32, (int64_t[]){ 100, 200 }, 2);
  output o;
  must (stage_apply (&s, &tensor, &o));
  assert_int_equal (o.asked, 1);
  assert_int_equal (o.shape[1], 200);
  for (int i = 0; i < COUNT; i++)
    assert_true (((float *)o.data)[i] == tanhf (data[i]));
  free (o.data);
  /* Nothing to do is no reason to call anybody. */
  tensor = tensor_of (NULL, 32, (int64_t[]){ 0, 200 }, 2);
  must (stage_apply (&s, &tensor, &o));
  free (o.data);
}

/* A reader begins with it, so it has to work. */
static void
manifest_of_the_guide_works (void **state)
{
  (void)state;
  static const char begin[] = "```toml\nmanifest";
  const char *folder = getenv ("TOP_SRCDIR");
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/docs/foreign.md", folder ? folder : ".");
  ADZE_AUTO_FREE char *guide = NULL;
  ADZE_AUTO (bound) b = { 0 };
  size_t size = 0;
  assert_non_null (path);
  must (adze_file_read (path, 1 << 20, &guide, &size));
  char *text = strstr (guide, begin);
  assert_non_null (text);
  text += strlen ("```toml\n");
  char *end = strstr (text, "```");
  assert_non_null (end);
  *end = '\0';
  bind_good (text, &b);
  must (adze_foreign_self_test (b.foreign));
}

#define PARAM(name, rest) \
  "[[component.param]]\n" \
  "name = \"" name "\"\n" \
  "help = \"a test\"\n" rest

#define SHAPE_TEXT(threading) \
  HEAD COMPONENT ("shape", threading) \
  PARAM ("mode", "type = \"choice\"\ndefault = \"divide\"\nchoices = [\"times\", \"divide\"]\n") \
  PARAM ("factor", "type = \"float\"\ndefault = 2.0\n") \
  PARAM ("offset", "type = \"int\"\ndefault = 0\n") \
  PARAM ("negate", "type = \"bool\"\ndefault = false\n") \
  "[foreign]\n" LIBRARY FUNCTION ( \
      "shape", "shape", \
      "shape = \"map\"\n" \
      "returns = \"float\"\n" \
      "arguments = [{ type = \"int8\", from = \"param.mode\", map = { times = -1, divide = 7 } }," \
      "{ type = \"float\", from = \"x\" }, { type = \"float\", from = \"param.factor\" }," \
      "{ type = \"int\", from = \"param.offset\" }," \
      "{ type = \"uint8\", from = \"param.negate\" }]\n") \
  TEST ("shape", \
        "params = { mode = \"times\", factor = 3, offset = -2, negate = true }\n" \
        "input = [1, 2]\nexpected = [-1, -4]\ntolerance = 0\n") \
  TEST ("shape", "input = [1, 2]\nexpected = [0.5, 1]\ntolerance = 0\n")

static void
parameters_arrive (void **state)
{
  (void)state;
  static const char *const texts[] = { SHAPE_TEXT ("parallel"), SHAPE_TEXT ("plugin") };
  for (size_t i = 0; i < ADZE_COUNT_OF (texts); i++) {
    ADZE_AUTO (stage) s = { 0 };
    bind_good (texts[i], &s.bound);
    must (adze_foreign_self_test (s.bound.foreign));
    must (stage_make (&s, "shape", "mode = \"times\"\nfactor = 0.5\noffset = 7\n"));
    float data[] = { 4, -8 };
    adze_tensor tensor = tensor_of (data, 32, (int64_t[]){ 2 }, 1);
    output o;
    must (stage_apply (&s, &tensor, &o));
    assert_true (((float *)o.data)[0] == 9 && ((float *)o.data)[1] == 3);
    free (o.data);
  }
}

static void
parameter_that_does_not_fit_is_refused (void **state)
{
  (void)state;
  static const struct {
    const char *settings, *words;
  } cases[] = {
    { "offset = 2147483648", "'param.offset' is 2147483648|argument 4 of shape, of type int" },
    { "factor = 1e39", "'param.factor' is 1e+39|argument 3 of shape, of type float" },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    ADZE_AUTO (stage) s = { 0 };
    bind_good (SHAPE_TEXT ("parallel"), &s.bound);
    expect_words (stage_make (&s, "shape", cases[i].settings), NULL, cases[i].words);
    s.instance = NULL;
  }
}

#define SCALE_TEXT \
  HEAD COMPONENT ("scale", "instance") PARAM ("factor", "type = \"float\"\ndefault = 1.0\n") \
  "[foreign]\n" LIBRARY FUNCTION ( \
      "scale", "scale", \
      "shape = \"buffer\"\n" \
      "element = \"double\"\n" \
      "returns = \"int8\"\n" \
      "success = -1\n" \
      "arguments = [{ type = \"pointer\", from = \"data\" }," \
      "{ type = \"pointer\", from = \"output\" }, { type = \"size_t\", from = \"count\" }," \
      "{ type = \"double\", from = \"param.factor\" }]\n") \
  TEST ("scale", "params = { factor = 2 }\ninput = [1, 0.1]\nexpected = [2, 0.2]\n" \
                 "tolerance = 1e-15\n")

static void
whole_tensors_are_handed_over (void **state)
{
  (void)state;
  ADZE_AUTO (stage) s = { 0 };
  bind_good (SCALE_TEXT, &s.bound);
  must (adze_foreign_self_test (s.bound.foreign));
  must (stage_make (&s, "scale", "factor = 0.1"));
  double data[] = { 1, 2, 3 };
  adze_tensor tensor = tensor_of (data, 64, (int64_t[]){ 3 }, 1);
  output o;
  must (stage_apply (&s, &tensor, &o));
  for (int i = 0; i < 3; i++)
    assert_true (((double *)o.data)[i] == data[i] * 0.1);
  free (o.data);
}

static void
failure_of_the_function_is_a_failure_of_apply (void **state)
{
  (void)state;
  ADZE_AUTO (stage) s = { 0 };
  bind_good (SCALE_TEXT, &s.bound);
  must (stage_make (&s, "scale", "factor = -1"));
  double data[] = { 1 };
  adze_tensor tensor = tensor_of (data, 64, (int64_t[]){ 1 }, 1);
  output o;
  adze_error *error = stage_apply (&s, &tensor, &o);
  assert_int_equal (adze_error_status (error), ADZE_E_UNSUPPORTED);
  expect_words (error, NULL, "scale returned 3, where -1 means success");
  free (o.data);
  /* Without elements there is nothing to ask it for. */
  tensor = tensor_of (NULL, 64, (int64_t[]){ 0 }, 1);
  must (stage_apply (&s, &tensor, &o));
  free (o.data);
}

static void
function_in_place_begins_with_a_copy (void **state)
{
  (void)state;
  ADZE_AUTO (stage) s = { 0 };
  bind_good (HEAD COMPONENT ("reverse", "instance") "[foreign]\n" LIBRARY FUNCTION (
                 "reverse", "reverse",
                 "shape = \"buffer\"\n"
                 "element = \"float\"\n"
                 "returns = \"void\"\n"
                 "arguments = [{ type = \"pointer\", from = \"output\" },"
                 "{ type = \"int32\", from = \"count\" }]\n")
                 TEST ("reverse", "input = [1, 2, 3]\nexpected = [3, 2, 1]\ntolerance = 0\n"),
             &s.bound);
  must (adze_foreign_self_test (s.bound.foreign));
  must (stage_make (&s, "reverse", ""));
  float data[] = { 5, 6 };
  adze_tensor tensor = tensor_of (data, 32, (int64_t[]){ 2 }, 1);
  output o;
  must (stage_apply (&s, &tensor, &o));
  assert_true (((float *)o.data)[0] == 6 && ((float *)o.data)[1] == 5 && data[0] == 5);
  free (o.data);
}

/* float half (float) and double half_double (double): both are the contract of a map. */
static void
elements_of_another_type_are_refused_by_name (void **state)
{
  (void)state;
  ADZE_AUTO (stage) s = { 0 };
  bind_good (HEAD COMPONENT ("half", "parallel") "[foreign]\n" LIBRARY FUNCTION (
                 "half", "half_double",
                 "shape = \"map\"\n"
                 "returns = \"double\"\n"
                 "arguments = [{ type = \"double\", from = \"x\" }]\n") HALF_TEST,
             &s.bound);
  must (adze_foreign_self_test (s.bound.foreign));
  must (stage_make (&s, "half", ""));
  double data[] = { 1, 2, 3, 4 };
  output o;
  adze_tensor tensor = tensor_of (data, 64, (int64_t[]){ 2, 2 }, 2);
  must (stage_apply (&s, &tensor, &o));
  assert_true (((double *)o.data)[3] == 2);
  free (o.data);
  tensor.view.strides = (int64_t[]){ 1, 2 };
  expect_words (stage_apply (&s, &tensor, &o), NULL, "tensor 'w' is strided");
  tensor.view.strides = NULL;
  tensor.view.dtype = (adze_dtype){ ADZE_BFLOAT, 16, 1 };
  adze_error *error = stage_apply (&s, &tensor, &o);
  assert_int_equal (adze_error_status (error), ADZE_E_UNSUPPORTED);
  expect_words (error, NULL, "'half' takes float64 elements; tensor 'w' has bfloat16");
  tensor.view.dtype = (adze_dtype){ ADZE_FLOAT, 64, 1 };
  tensor.view.device.type = 2;
  expect_words (stage_apply (&s, &tensor, &o), NULL, "tensor 'w' is elsewhere");
  tensor.codec = "q4";
  expect_words (stage_apply (&s, &tensor, &o), NULL, "tensor 'w' is encoded by q4");
  assert_int_equal (o.asked, 0);
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (libm_becomes_a_technique),
    cmocka_unit_test (manifest_of_the_guide_works),
    cmocka_unit_test (parameters_arrive),
    cmocka_unit_test (parameter_that_does_not_fit_is_refused),
    cmocka_unit_test (whole_tensors_are_handed_over),
    cmocka_unit_test (failure_of_the_function_is_a_failure_of_apply),
    cmocka_unit_test (function_in_place_begins_with_a_copy),
    cmocka_unit_test (elements_of_another_type_are_refused_by_name),
  };
  return cmocka_run_group_tests_name ("foreign-technique", tests, find_library, forget_library);
}
