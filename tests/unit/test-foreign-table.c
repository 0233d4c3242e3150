/* SPDX-License-Identifier: Apache-2.0 */
/* [foreign] tables, good and bad, read without any library: every complaint must name line and
 * reason, and a claim whose vectors show too little must not pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/toml.h"
#include "plugin/foreign/foreign.h"
#include "plugin/foreign/table.h"

/* ---- A manifest that is in order, in pieces that a test replaces. */

#define HEAD \
  "manifest = 1\n" \
  "id = \"test\"\n" \
  "version = \"1\"\n" \
  "summary = \"a test\"\n" \
  "license = \"Apache-2.0\"\n"

#define COMPONENT \
  "[[component]]\n" \
  "kind = \"technique\"\n" \
  "id = \"curve\"\n" \
  "summary = \"a curve\"\n" \
  "threading = \"parallel\"\n" \
  "effect = \"changes\"\n" \
  "[[component.param]]\n" \
  "name = \"mode\"\n" \
  "type = \"choice\"\n" \
  "choices = [\"low\", \"high\"]\n" \
  "default = \"low\"\n" \
  "help = \"which\"\n" \
  "[[component.param]]\n" \
  "name = \"slope\"\n" \
  "type = \"float\"\n" \
  "default = 1.0\n" \
  "help = \"how steep\"\n"

#define LIBRARY \
  "[[foreign.library]]\n" \
  "soname = \"libtest.so.1\"\n" \
  "versions = \">= 1, < 2\"\n"

#define CURVE \
  "[[foreign.function]]\n" \
  "component = \"curve\"\n" \
  "symbol = \"curve\"\n" \
  "shape = \"map\"\n" \
  "returns = \"float\"\n" \
  "arguments = [{ type = \"float\", from = \"x\" },\n" \
  "  { type = \"double\", from = \"param.slope\" },\n" \
  "  { type = \"int\", from = \"param.mode\", map = { low = 3, high = -4 } }]\n"

#define CURVE_TEST \
  "[[foreign.test]]\n" \
  "component = \"curve\"\n" \
  "params = { mode = \"high\", slope = 2 }\n" \
  "input = [1, 2]\n" \
  "expected = [2, 4]\n" \
  "tolerance = 0\n"

#define GEMM_HEAD \
  "[[foreign.function]]\n" \
  "contract = \"gemm.f32\"\n" \
  "symbol = \"sgemm\"\n"

#define GEMM_ARGUMENTS \
  "arguments = [\n" \
  "{ type = \"int\", from = \"transpose_a\", map = { 0 = 78, 1 = 84 } },\n" \
  "{ type = \"int\", from = \"transpose_b\", map = { 0 = 78, 1 = 84 } },\n" \
  "{ type = \"int\", from = \"m\" }, { type = \"int\", from = \"n\" },\n" \
  "{ type = \"int\", from = \"k\" }, { type = \"float\", from = \"alpha\" },\n" \
  "{ type = \"pointer\", from = \"a\" }, { type = \"int\", from = \"lda\" },\n" \
  "{ type = \"pointer\", from = \"b\" }, { type = \"int\", from = \"ldb\" },\n" \
  "{ type = \"float\", from = \"beta\" }, { type = \"pointer\", from = \"c\" },\n" \
  "{ type = \"int\", from = \"ldc\" }]\n"

#define GEMM_TEST(sizes, rest) \
  "[[foreign.test]]\n" \
  "contract = \"gemm.f32\"\n" sizes rest "tolerance = 1e-5\n"

#define SIZES "m = 2\nn = 3\nk = 4\n"
#define PADDED "pad_a = 1\npad_b = 3\npad_c = 1\n"

static const char gemm_tests[] = GEMM_TEST (SIZES, PADDED "alpha = 2\nbeta = 3\ntranspose_a = 1\n")
    GEMM_TEST (SIZES, "alpha = 2\nbeta = 0\ntranspose_b = 1\n");

/* ---- Reading. */

static adze_error *
read_text (const char *text, adze_manifest **manifest)
{
  ADZE_AUTO (adze_document) document = { 0 };
  *manifest = NULL;
  adze_error *error = adze_toml_parse ("test.toml", text, strlen (text), &document);
  assert_null (error);
  return adze_manifest_from_value (&document, document.root, manifest);
}

static void
expect_good (const char *text)
{
  ADZE_AUTO_MANIFEST manifest = NULL;
  ADZE_AUTO_ERROR error = read_text (text, &manifest);
  if (error)
    fail_msg ("%s", adze_error_message (error));
  assert_non_null (manifest->foreign);
}

/* WORDS must be in the message, and the message must name a place. */
static void
expect_bad (const char *text, const char *words)
{
  ADZE_AUTO_MANIFEST manifest = NULL;
  ADZE_AUTO_ERROR error = read_text (text, &manifest);
  if (!error)
    fail_msg ("was taken, and should have said: %s", words);
  ADZE_AUTO_FREE char *whole = adze_error_text (error);
  if (!strstr (whole, words))
    fail_msg ("should have said: %s\nand said: %s", words, whole);
  assert_non_null (strstr (whole, "test.toml:"));
  assert_string_equal (adze_error_fact (error, "step"), "manifest");
  assert_non_null (adze_error_fact (error, "line"));
  assert_null (manifest);
}

/* TEXT with the first OLD in it replaced. */
static char *
replaced (const char *text, const char *old, const char *new)
{
  const char *at = strstr (text, old);
  if (!at)
    fail_msg ("the test's own text lacks: %s", old);
  char *made
      = adze_text_format ("%.*s%s%s", (int)(at - text), text, new, at + strlen (old));
  assert_non_null (made);
  return made;
}

typedef struct change {
  const char *old;
  const char *new;
  const char *words;
} change;

static void
expect_all_bad (const char *text, const change *changes, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    ADZE_AUTO_FREE char *changed = replaced (text, changes[i].old, changes[i].new);
    expect_bad (changed, changes[i].words);
  }
}

static const char curve_text[] = HEAD COMPONENT "[foreign]\n" LIBRARY CURVE CURVE_TEST;
static const char gemm_text[] = HEAD "[foreign]\n" LIBRARY GEMM_HEAD
    "returns = \"void\"\n" GEMM_ARGUMENTS GEMM_TEST (SIZES, PADDED
                                                     "alpha = 2\nbeta = 3\ntranspose_a = 1\n")
        GEMM_TEST (SIZES, "alpha = 2\nbeta = 0\ntranspose_b = 1\n");

static void
good_tables_are_taken (void **state)
{
  (void)state;
  expect_good (curve_text);
  expect_good (gemm_text);
}

/* A manifest goes through JSON when it is cached, and JSON has neither lines nor infinities. */
static void
tables_survive_the_cache (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *text
      = replaced (curve_text, "input = [1, 2]", "input = [-inf, nan, inf, 2]");
  ADZE_AUTO_FREE char *changed
      = replaced (text, "expected = [2, 4]", "expected = [-inf, nan, inf, 4]");
  ADZE_AUTO_MANIFEST first = NULL;
  ADZE_AUTO_MANIFEST second = NULL;
  assert_null (read_text (changed, &first));
  ADZE_AUTO_VALUE value = adze_manifest_value (first);
  ADZE_AUTO (adze_buffer) json = { 0 };
  adze_json_write (value, 0, &json);
  ADZE_AUTO (adze_document) document = { 0 };
  assert_null (adze_json_parse ("cache", json.data, json.size, &document));
  ADZE_AUTO_ERROR error = adze_manifest_from_value (&document, document.root, &second);
  if (error)
    fail_msg ("%s", adze_error_message (error));
}

static void
bad_libraries_are_refused (void **state)
{
  (void)state;
  static const change changes[] = {
    { LIBRARY, "", "'library' is missing" },
    { LIBRARY, "library = []\n", "'library' has 0 entries" },
    { LIBRARY, "library = [1]\n", "must be a table, found an integer" },
    { "soname = \"libtest.so.1\"", "", "'soname' is missing" },
    { "\"libtest.so.1\"", "1", "'soname' must be a string" },
    { "\"libtest.so.1\"", "\"\"", "must not be empty" },
    { "\"libtest.so.1\"", "\"a\\u0000b\"", "NUL character" },
    { "\"libtest.so.1\"", "\"lib/x.so\"", "neither a soname" },
    { "versions = \">= 1, < 2\"", "", "'versions' is missing" },
    { ">= 1, < 2", "1", "no range of versions" },
    { ">= 1, < 2", ">= 1 < 2", "no range of versions" },
    { ">= 1, < 2", ">= 1,", "no range of versions" },
    { ">= 1, < 2", "", "must not be empty" },
    { ">= 1, < 2", ">= 99999999999999999999", "no range of versions" },
    { "soname =", "version-from = \"elf\"\nsoname =", "'version-from' must be" },
    { "soname =", "version-from = { file = 1 }\nsoname =", "unknown key 'file'" },
    { "soname =", "version-from = { }\nsoname =", "'symbol' is missing" },
    { "soname =", "so-name =", "did you mean 'soname'?" },
    { "[foreign]\n", "[foreign]\nlibraries = 1\n", "unknown key 'libraries'" },
    { "[foreign]\n", "[foreign]\nhint = 1\n", "'hint' must be a string" },
  };
  expect_all_bad (gemm_text, changes, ADZE_COUNT_OF (changes));
}

static void
bad_functions_are_refused (void **state)
{
  (void)state;
  static const change changes[] = {
    { "symbol = \"curve\"\n", "", "'symbol' is missing" },
    { "component = \"curve\"\nsymbol", "symbol", "either a 'contract' or a 'component'" },
    { "component = \"curve\"\nsymbol", "contract = \"map.f32\"\nsymbol", "becomes a technique" },
    { "component = \"curve\"\nsymbol", "contract = \"svd\"\nsymbol", "is no contract" },
    { "component = \"curve\"\nsymbol", "component = \"curvy\"\nsymbol", "no component 'curvy'" },
    { "\"map\"", "\"row\"", "'shape' must be" },
    { "shape = \"map\"\n", "", "'shape' is missing" },
    { "shape = \"map\"\n", "shape = \"map\"\nelement = \"float\"\n", "'element' belongs to" },
    { "shape = \"map\"\n", "shape = \"buffer\"\n", "must return void, or a whole number" },
    { "\"map\"\nreturns = \"float\"", "\"buffer\"\nreturns = \"void\"", "'element' is missing" },
    { "\"map\"\nreturns = \"float\"", "\"buffer\"\nelement = \"int\"\nreturns = \"void\"",
      "elements are float or double, found 'int'" },
    { "\"map\"\nreturns = \"float\"", "\"buffer\"\nelement = \"float\"\nreturns = \"void\"",
      "'x' is nothing that 'curve' can hand over; there are: data, output, count, param.NAME" },
    { "returns = \"float\"", "returns = \"int\"", "elements are float or double" },
    { "returns = \"float\"", "returns = \"quad\"", "no type that a function returns" },
    { "returns = \"float\"", "returns = \"float\"\nsuccess = 0", "'success' belongs to" },
    { "effect = \"changes\"", "effect = \"inspects\"", "must have effect = \"changes\"" },
    { "[[foreign.test]]\n", CURVE "[[foreign.test]]\n", "has a function already, curve" },
    { "returns = \"float\"", "return = \"float\"", "did you mean 'returns'?" },
  };
  expect_all_bad (curve_text, changes, ADZE_COUNT_OF (changes));
  static const change gemm_changes[] = {
    { "\"void\"", "\"float\"", "must return void, or a whole number" },
    { "\"void\"", "\"int\"", "'success' is missing" },
    { "\"void\"", "\"int8\"\nsuccess = 200", "must lie in [-128, 127]" },
    { "\"void\"", "\"void\"\nsuccess = 0", "'success' belongs to" },
    { "\"void\"", "\"void\"\nshape = \"map\"", "'shape' belongs to a component" },
    { HEAD, HEAD COMPONENT, "component 'curve' has no [[foreign.function]]" },
  };
  expect_all_bad (gemm_text, gemm_changes, ADZE_COUNT_OF (gemm_changes));
}

static void
bad_arguments_are_refused (void **state)
{
  (void)state;
  static const change changes[] = {
    { "{ type = \"float\", from = \"x\" }", "1", "must be a table, found an integer" },
    { "type = \"float\", from = \"x\"", "from = \"x\"", "'type' is missing" },
    { "type = \"float\", from = \"x\"", "type = \"flaot\", from = \"x\"", "did you mean 'float'" },
    { "type = \"float\", from = \"x\"", "type = \"void\", from = \"x\"", "no type of an argument" },
    { "type = \"float\", from = \"x\"", "type = \"double\", from = \"x\"", "'x' must have" },
    { "type = \"float\", from = \"x\"", "type = \"int\", from = \"x\"", "is the type of a whole" },
    { "from = \"x\"", "from = \"y\"", "there are: x, param.NAME" },
    { "from = \"x\"", "from = \"x\", value = 1", "either a 'value' or a 'from'" },
    { "from = \"x\"", "value = 1", "no argument of curve is from 'x'" },
    { "param.slope", "param.slop", "has no parameter 'slop'" },
    { "from = \"param.slope\"", "value = 1", "no argument of curve is from 'param.slope'" },
    { ", map = { low = 3, high = -4 }", "", "a choice needs a map" },
    { "low = 3, ", "", "lacks number 1 of them" },
    { "low = 3", "lower = 3", "'lower' is no value of 'param.mode'" },
    { "low = 3", "low = 3000000000", "must lie in [-2147483648, 2147483647]" },
    { "low = 3", "low = 1.5", "must be an integer" },
    { "{ low = 3, high = -4 }", "3", "must be a table of 1 to" },
    { "from = \"param.slope\"", "from = \"param.slope\", map = { 1 = 2 }", "a map is from whole" },
    { "type = \"float\"\ndefault = 1.0", "type = \"string\"\ndefault = \"a\"",
      "cannot be an argument" },
  };
  expect_all_bad (curve_text, changes, ADZE_COUNT_OF (changes));
  static const change gemm_changes[] = {
    { "{ type = \"int\", from = \"m\" }, ", "", "no argument of sgemm is from 'm'" },
    { "{ type = \"int\", from = \"m\" }", "{ type = \"int8\", value = 128 }", "[-128, 127]" },
    { "{ type = \"int\", from = \"m\" }", "{ type = \"uint8\", value = -1 }", "[0, 255]" },
    { "{ type = \"int\", from = \"m\" }", "{ type = \"pointer\", value = 1 }", "[0, 0]" },
    { "{ type = \"int\", from = \"m\" }", "{ type = \"float\", value = 1e39 }", "not fit a float" },
    { "{ type = \"int\", from = \"m\" }", "{ type = \"int\", value = 1, map = { 1 = 1 } }",
      "needs no map" },
    { "{ type = \"int\", from = \"m\" }", "{ type = \"int\", from = \"param.m\" }",
      "there are: transpose_a, transpose_b, m, n, k" },
    { "0 = 78, 1 = 84", "0 = 78", "lacks number 2 of them" },
    { "0 = 78, 1 = 84", "0 = 78, 1 = 84, 01 = 3", "the map has 01 twice" },
    { "0 = 78, 1 = 84", "0 = 78, one = 84", "'one' is no value of 'transpose_a'" },
    { "{ type = \"float\", from = \"alpha\" }", "{ type = \"int\", from = \"alpha\" }",
      "'alpha' is a number with a fraction" },
  };
  expect_all_bad (gemm_text, gemm_changes, ADZE_COUNT_OF (gemm_changes));
}

static void
bad_references_are_refused (void **state)
{
  (void)state;
#define STATUS ", { type = \"int\", by = \"reference\", from = \"status\" }"
  static const char end[] = "{ type = \"int\", from = \"ldc\" }]", good[]
      = "{ type = \"int\", from = \"ldc\" }" STATUS "]";
  static const change changes[] = {
    { "{ type = \"int\", from = \"m\" }", "{ type = \"int\", by = \"name\", from = \"m\" }",
      "'by' must be \"value\" or \"reference\", found 'name'" },
    { "{ type = \"pointer\", from = \"a\" }",
      "{ type = \"pointer\", by = \"reference\", from = \"a\" }", "numbers are passed by" },
    { end, good, "'success' says which status" },
    { end, "{ type = \"int\", from = \"ldc\" }, { type = \"int\", from = \"status\" }]",
      "'status' is a whole number that the function writes" },
    { "\"void\"", "\"void\"\nsuccess = 0", "or to an argument from 'status'" },
  };
  expect_all_bad (gemm_text, changes, ADZE_COUNT_OF (changes));
  ADZE_AUTO_FREE char *text = replaced (gemm_text, end, good);
  ADZE_AUTO_FREE char *served = replaced (text, "\"void\"", "\"void\"\nsuccess = 0");
  expect_good (served);
  ADZE_AUTO_FREE char *twice = replaced (served, STATUS, STATUS STATUS);
  expect_bad (twice, "there is a 'status' already");
  ADZE_AUTO_FREE char *map
      = replaced (curve_text, "type = \"float\", from = \"x\"",
                  "type = \"float\", by = \"reference\", from = \"x\"");
  expect_bad (map, "what a map takes are not");
#undef STATUS
}

#define BACKEND \
  "[[component]]\n" \
  "kind = \"backend\"\n" \
  "id = \"products\"\n" \
  "summary = \"a test\"\n" \
  "threading = \"plugin\"\n"

static void
backends_need_a_product (void **state)
{
  (void)state;
  static const char threads[]
      = "[foreign]\nconfiguration = [\"about\"]\nthreads = [{ set = \"s\", get = \"g\", "
        "type = \"int\" }]\n";
  ADZE_AUTO_FREE char *plain = replaced (gemm_text, "[foreign]\n", BACKEND "[foreign]\n");
  expect_good (plain);
  ADZE_AUTO_FREE char *told = replaced (plain, "[foreign]\n", threads);
  expect_good (told);
  ADZE_AUTO_FREE char *kernels = replaced (gemm_text, "[foreign]\n", threads);
  expect_good (kernels);
  ADZE_AUTO_FREE char *without = replaced (curve_text, "[foreign]\n", threads);
  expect_bad (without, "belongs to a manifest with kernels");
  ADZE_AUTO_FREE char *alone = replaced (curve_text, "[foreign]\n", BACKEND "[foreign]\n");
  expect_bad (alone, "the backend 'products' needs a [[foreign.function]] with contract = ");
  static const change changes[] = {
    { "id = \"products\"", "effect = \"changes\"\nid = \"products\"", "only a technique has" },
    { "\"about\"", "", "'configuration' must be a list" },
    { "\"about\"", "1", "'configuration' must be a list" },
    { "set = \"s\", ", "", "'set' is missing" },
    { "type = \"int\" }]", "type = \"float\" }]", "a number of threads is an int" },
    { "type = \"int\" }]", "type = \"uint64\" }]", "a number of threads is an int" },
    { "[foreign]\n", "[[component]]\nkind = \"backend\"\nid = \"more\"\nsummary = \"a test\"\n"
                     "threading = \"plugin\"\n[foreign]\n", "there are two backends" },
    { "[foreign]\n", "[[component.param]]\nname = \"p\"\ntype = \"int\"\ndefault = 1\n"
                     "help = \"a test\"\n[foreign]\n", "has the parameter 'p'" },
  };
  expect_all_bad (told, changes, ADZE_COUNT_OF (changes));
}

/* Of each contract: what is needed, and the one test taken away that shows it. */
static void
every_contract_has_its_demands (void **state)
{
  (void)state;
#define HEADED(contract) \
  HEAD "[foreign]\n" LIBRARY "[[foreign.function]]\ncontract = \"" contract "\"\n"
#define OF(type, name) "{ type = \"" type "\", from = \"" name "\" }"
#define TESTED(contract, numbers) \
  "[[foreign.test]]\ncontract = \"" contract "\"\ntolerance = 0\n" numbers
  static const char gemv[] = HEADED ("gemv.f64")
      "symbol = \"gemv\"\nreturns = \"void\"\narguments = [" OF ("int", "transpose_a") ", " OF (
          "int", "m") ", " OF ("int", "n") ", " OF ("double", "alpha") ", " OF ("pointer", "a") ", "
      OF ("int", "lda") ", " OF ("pointer", "x") ", " OF ("int", "incx") ", " OF ("double", "beta")
      ", " OF ("pointer", "y") ", " OF ("int", "incy") "]\n"
      TESTED ("gemv.f64", "m = 3\nn = 2\ntranspose_a = 1\nincx = 2\nincy = 3\nalpha = 2\n"
                          "beta = 3\n")
      TESTED ("gemv.f64", "m = 3\nn = 4\npad_a = 1\nalpha = 1\nbeta = 0\n");
  static const change gemv_changes[] = {
    { "transpose_a = 1\n", "", "transpose_a = 1 and m and n that differ" },
    { "m = 3\nn = 4", "m = 4\nn = 4", "transpose_a = 0 and m and n that differ" },
    { "pad_a = 1", "pad_a = 0", "pad_a above 0" },
    { "incx = 2", "incx = 3", "incx and incy above 1 that differ" },
    { "beta = 3", "beta = 1", "alpha and beta that are neither" },
    { "beta = 0", "beta = 1", "y must not be read" },
    { "incx = 2", "incx = 0", "must lie in [1, 16]" },
    { "incx = 2", "k = 2", "unknown key 'k'" },
    { OF ("int", "incx") ", ", "", "no argument of gemv is from 'incx'" },
    { OF ("int", "transpose_a"), "{ type = \"int\", from = \"transpose_a\", map = { 0 = 1 } }",
      "lacks number 2 of them" },
  };
  expect_good (gemv);
  expect_all_bad (gemv, gemv_changes, ADZE_COUNT_OF (gemv_changes));
  static const char dot[] = HEADED ("dot.f32")
      "symbol = \"dot\"\nreturns = \"float\"\narguments = [" OF ("int", "n") ", " OF (
          "pointer", "x") ", " OF ("int", "incx") ", " OF ("pointer", "y") ", " OF ("int", "incy")
      "]\n" TESTED ("dot.f32", "n = 2\nincx = 2\nincy = 3\n");
  static const change dot_changes[] = {
    { "returns = \"float\"", "returns = \"void\"", "must return what 'dot.f32' is about" },
    { "returns = \"float\"", "returns = \"float\"\nsuccess = 0", "'success' belongs to" },
    { "n = 2\n", "n = 1\n", "incx and incy above 1 that differ, and n above 1" },
    { "incx = 2", "alpha = 2", "unknown key 'alpha'" },
  };
  expect_good (dot);
  expect_all_bad (dot, dot_changes, ADZE_COUNT_OF (dot_changes));
  static const char svd[] = HEADED ("svd.f32")
      "symbol = \"svd\"\nreturns = \"int\"\nsuccess = 0\narguments = [" OF ("int", "m") ", " OF (
          "int", "n") ", " OF ("pointer", "a") ", " OF ("int", "lda") ", " OF ("pointer", "s") ", "
      OF ("pointer", "u") ", " OF ("int", "ldu") ", " OF ("pointer", "v") ", " OF ("int", "ldv")
      "]\n" TESTED ("svd.f32", "m = 3\nn = 2\npad_a = 1\npad_u = 3\npad_v = 2\n")
      TESTED ("svd.f32", "m = 2\nn = 3\n");
  static const change svd_changes[] = {
    { "m = 3\nn = 2", "m = 1\nn = 2", "one with m above n" },
    { "m = 2\nn = 3", "m = 3\nn = 2", "one with n above m" },
    { "pad_v = 2", "pad_v = 1", "leading dimensions that all differ" },
    { OF ("pointer", "v") ", ", "", "no argument of svd is from 'v'" },
  };
  expect_good (svd);
  expect_all_bad (svd, svd_changes, ADZE_COUNT_OF (svd_changes));
#undef HEADED
#undef OF
#undef TESTED
}

static void
too_many_arguments_are_refused (void **state)
{
  (void)state;
  ADZE_AUTO (adze_buffer) many = { 0 };
  for (int i = 0; i < 20; i++)
    adze_buffer_text (&many, "{ type = \"int\", value = 0 }, ");
  adze_buffer_text (&many, "{ type = \"int\", from = \"m\" }, ");
  ADZE_AUTO_FREE char *text = replaced (gemm_text, "{ type = \"int\", from = \"m\" }, ", many.data);
  expect_bad (text, "'arguments' has 33 entries, and must have 1 to 32");
}

static void
bad_tests_are_refused (void **state)
{
  (void)state;
  static const change changes[] = {
    { CURVE_TEST, "", "'test' is missing" },
    { "component = \"curve\"\nparams", "contract = \"curve\"\nparams", "no [[foreign.function]]" },
    { "component = \"curve\"\nparams", "params", "either a 'contract' or a 'component'" },
    { "input = [1, 2]", "input = 1", "must be a list of" },
    { "input = [1, 2]", "input = []", "must be a list of" },
    { "input = [1, 2]", "input = [1, \"two\"]", "entry 2 of 'input' must be a number" },
    { "input = [1, 2]", "input = [1, 2, 3]", "'input' has 3 numbers and 'expected' has 2" },
    { "tolerance = 0", "", "'tolerance' is missing" },
    { "tolerance = 0", "tolerance = 0.5", "must lie in [0, 0.01]" },
    { "tolerance = 0", "tolerance = nan", "must lie in [0, 0.01]" },
    { "slope = 2", "slope = true", "slope" },
    { "slope = 2", "steep = 2", "steep" },
    { "params = { mode = \"high\", slope = 2 }", "params = 1", "'params' must be a table" },
    { "tolerance = 0", "tolerance = 0\nm = 1", "unknown key 'm'" },
  };
  expect_all_bad (curve_text, changes, ADZE_COUNT_OF (changes));
  static const change gemm_changes[] = {
    { "m = 2", "m = 0", "must lie in [1, 256]" },
    { "m = 2", "m = 1000000000000", "must lie in [1, 256]" },
    { "transpose_a = 1", "transpose_a = 2", "must lie in [0, 1]" },
    { "alpha = 2", "alpha = inf", "must lie in [-1000, 1000]" },
    { "alpha = 2", "", "'alpha' is missing" },
    { "pad_a = 1", "pad_a = -1", "must lie in [0, 256]" },
  };
  expect_all_bad (gemm_text, gemm_changes, ADZE_COUNT_OF (gemm_changes));
}

/* Each change leaves vectors that are well formed and that some wrong binding would pass. */
static void
vectors_that_show_too_little_are_refused (void **state)
{
  (void)state;
  static const change changes[] = {
    { gemm_tests, GEMM_TEST ("m = 4\nn = 4\nk = 4\n", PADDED "alpha = 2\nbeta = 3\n"),
      "m, n and k that all differ" },
    { "transpose_a = 1\n", "", "transpose_a = 1 and transpose_b = 0" },
    { "transpose_b = 1\n", "", "transpose_a = 0 and transpose_b = 1" },
    { "pad_c = 1\n", "", "pad_a, pad_b and pad_c above 0" },
    { "pad_b = 3", "pad_b = 1", "leading dimensions that all differ" },
    { "beta = 3", "beta = 1", "alpha and beta that are neither 0 nor 1" },
    { "beta = 3", "beta = 2", "and differ" },
    { "beta = 0", "beta = 0.5", "beta = 0, where C must not be read" },
  };
  expect_all_bad (gemm_text, changes, ADZE_COUNT_OF (changes));
  static const change curve_changes[] = {
    { "expected = [2, 4]", "expected = [1, 2]", "several numbers of which some change" },
    { "input = [1, 2]\nexpected = [2, 4]", "input = [1]\nexpected = [2]", "several numbers" },
    { ", slope = 2", "", "one that sets the parameter 'slope'" },
  };
  expect_all_bad (curve_text, curve_changes, ADZE_COUNT_OF (curve_changes));
}

static void
versions_compare_by_their_parts (void **state)
{
  (void)state;
  static const struct {
    const char *version, *range;
    bool within;
  } cases[] = {
    { "3", ">= 3, < 4", true },        { "3.11.0", ">= 3, < 4", true },
    { "4", ">= 3, < 4", false },       { "2.9", ">= 3, < 4", false },
    { "3.10", "> 3.9", true },         { "3.9", ">3.9", false },
    { "3.9.1", "> 3.9", true },        { "OpenBLAS 0.3.21 x", "= 0.3.21", true },
    { "0.3.21", "<= 0.3.20", false },  { "1.2.3.4", "= 1.2.3.4", true },
    { "1", "= 1.0", true },            { "2", "  >=1 ,<= 2  ", true },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    adze_foreign_version version;
    bool within = false;
    assert_true (adze_foreign_version_parse (cases[i].version, &version));
    assert_true (adze_foreign_version_within (cases[i].range, &version, &within));
    if (within != cases[i].within)
      fail_msg ("%s in %s", cases[i].version, cases[i].range);
  }
  adze_foreign_version version;
  assert_false (adze_foreign_version_parse ("newest", &version));
  assert_false (adze_foreign_version_parse ("9999999999999", &version));
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (good_tables_are_taken),
    cmocka_unit_test (tables_survive_the_cache),
    cmocka_unit_test (bad_libraries_are_refused),
    cmocka_unit_test (bad_functions_are_refused),
    cmocka_unit_test (bad_arguments_are_refused),
    cmocka_unit_test (bad_references_are_refused),
    cmocka_unit_test (backends_need_a_product),
    cmocka_unit_test (every_contract_has_its_demands),
    cmocka_unit_test (too_many_arguments_are_refused),
    cmocka_unit_test (bad_tests_are_refused),
    cmocka_unit_test (vectors_that_show_too_little_are_refused),
    cmocka_unit_test (versions_compare_by_their_parts),
  };
  return cmocka_run_group_tests_name ("foreign-table", tests, NULL, NULL);
}
