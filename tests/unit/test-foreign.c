/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign libraries, bound and called: what is found and what is refused, whether arguments arrive,
 * and whether a wrong claim is seen. */
#define _GNU_SOURCE 1
#include "foreign-manifests.h"

#include <dlfcn.h>
#include <limits.h>

/* ---- Finding the library. */

static void
expect_unbound (const char *text, const char *step, const char *words)
{
  ADZE_AUTO (bound) b = { 0 };
  expect_words (bind_text (text, &b), step, words);
  assert_null (b.foreign);
}

static void
library_that_is_missing_is_refused (void **state)
{
  (void)state;
  expect_unbound (HEAD COMPONENT ("half", "parallel") "[foreign]\n"
                                                      "hint = \"apt install no-such\"\n"
                                                      "[[foreign.library]]\n"
                                                      "soname = \"libno-such.so.7\"\n"
                                                      "versions = \">= 7\"\n"
                                                      "[[foreign.library]]\n"
                                                      "soname = \"/no/such.so\"\n"
                                                      "versions = \">= 1\"\n" HALF HALF_TEST,
                  "library",
                  "libno-such.so.7 (>= 7) or /no/such.so (>= 1)|libno-such.so.7: cannot open|"
                  "/no/such.so: cannot open|apt install no-such");
}

static void
version_outside_the_range_is_refused (void **state)
{
  (void)state;
  static const char text[] = HEAD COMPONENT ("half", "parallel") "[foreign]\n"
                                                                 "[[foreign.library]]\n"
                                                                 "soname = \"%s\"\n";
  static const struct {
    const char *rest, *words;
  } cases[] = {
    { "versions = \">= 2.8\"\nversion-from = { symbol = \"library_version\" }\n",
      "library_version () says foreign-library 2.7.1 of today|not in '>= 2.8'" },
    { "versions = \">= 1\"\nversion-from = { symbol = \"library_version_null\" }\n",
      "says nothing, which is no version" },
    { "versions = \">= 1\"\nversion-from = { symbol = \"library_version_words\" }\n",
      "says the newest, which is no version" },
    { "versions = \">= 1\"\nversion-from = { symbol = \"no_such_symbol\" }\n", "no_such_symbol" },
    { "versions = \">= 1\"\nversion-from = \"file\"\n", "file's name is|which is no version" },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (cases); i++) {
    ADZE_AUTO_FREE char *whole = adze_text_format ("%s%s%s", text, cases[i].rest, HALF HALF_TEST);
    assert_non_null (whole);
    expect_unbound (whole, "library", cases[i].words);
  }
  expect_unbound (HEAD COMPONENT ("half", "parallel") "[foreign]\n"
                                                      "[[foreign.library]]\n"
                                                      "soname = \"libm.so.6\"\n"
                                                      "versions = \"< 6\"\n" HALF HALF_TEST,
                  "library", "its soname is libm.so.6, which is not in '< 6'");
}

static void
version_is_read_from_the_files_name (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *data = NULL;
  size_t size = 0;
  const char *temporary = getenv ("TMPDIR");
  ADZE_AUTO_FREE char *folder
      = adze_text_format ("%s/adze-foreign-XXXXXX", temporary ? temporary : "/tmp");
  assert_non_null (folder);
  assert_non_null (mkdtemp (folder));
  ADZE_AUTO_FREE char *copy = adze_text_format ("%s/library-r2.7.9.so", folder);
  ADZE_AUTO_FREE char *other = adze_text_format ("%s/library.so.2.8", folder);
  must (adze_file_read (library, 64 << 20, &data, &size));
  must (adze_file_write (copy, data, size, 0755));
  must (adze_file_write (other, data, size, 0755));
  char *names[] = { copy, other };
  for (size_t i = 0; i < 2; i++) {
    ADZE_AUTO_FREE char *text = adze_text_format (
        "%s[[foreign.library]]\nsoname = \"%s\"\nversions = \">= 2.7, < 2.8\"\n"
        "version-from = \"file\"\n%s",
        HEAD COMPONENT ("half", "parallel") "[foreign]\n", names[i], HALF HALF_TEST);
    assert_non_null (text);
    if (i == 1) {
      expect_unbound (text, "library", "its file's name is library.so.2.8");
    } else {
      ADZE_AUTO (bound) b = { 0 };
      bind_good (text, &b);
      assert_string_equal (adze_foreign_library_path (b.foreign), copy);
    }
    unlink (names[i]);
  }
  rmdir (folder);
}

static void
symbol_that_is_missing_is_refused (void **state)
{
  (void)state;
  expect_unbound (HEAD COMPONENT ("half", "parallel") "[foreign]\n" LIBRARY FUNCTION (
                      "half", "no_such_function",
                      "shape = \"map\"\n"
                      "returns = \"float\"\n"
                      "arguments = [{ type = \"float\", from = \"x\" }]\n") HALF_TEST,
                  "binding", "the function no_such_function in|undefined symbol: no_such_function");
}

/* libblas.so.3 without the C interface must not hide libcblas.so.3. */
static void
next_library_is_tried_when_one_lacks_a_symbol (void **state)
{
  (void)state;
  ADZE_AUTO (bound) b = { 0 };
  bind_good (HEAD COMPONENT ("half", "parallel") "[foreign]\n"
                                                 "[[foreign.library]]\n"
                                                 "soname = \"libm.so.6\"\n"
                                                 "versions = \">= 6\"\n" LIBRARY HALF HALF_TEST,
             &b);
  assert_string_equal (adze_foreign_library_path (b.foreign), library);
}

/* A library may be a thin one over others. What a verdict is kept for is the file with the code. */
static void
identity_is_that_of_the_file_with_the_code (void **state)
{
  (void)state;
  ADZE_AUTO (bound) b = { 0 };
  bind_good (HEAD COMPONENT ("half", "parallel") "[foreign]\n"
                                                 "[[foreign.library]]\n"
                                                 "soname = \"libm.so.6\"\n"
                                                 "versions = \">= 6\"\n" FUNCTION (
                                                     "half", "gnu_get_libc_version",
                                                     "shape = \"map\"\n"
                                                     "returns = \"float\"\n"
                                                     "arguments = [{ type = \"float\", "
                                                     "from = \"x\" }]\n") HALF_TEST,
             &b);
  assert_non_null (strstr (adze_foreign_library_path (b.foreign), "/libc"));
}

/* What is computed with them depends on all of them, and on each once. */
static void
every_file_with_code_is_known (void **state)
{
  (void)state;
  ADZE_AUTO (bound) b = { 0 };
#define BOUND(id, symbol) \
  FUNCTION (id, symbol, "shape = \"map\"\nreturns = \"float\"\n" \
                        "arguments = [{ type = \"float\", from = \"x\" }]\n") \
  TEST (id, "input = [1, 5]\nexpected = [0.5, 2.5]\ntolerance = 0\n")
  bind_good (HEAD COMPONENT ("one", "parallel") COMPONENT ("two", "parallel")
                 COMPONENT ("three", "parallel") "[foreign]\n"
                                                 "[[foreign.library]]\n"
                                                 "soname = \"libm.so.6\"\n"
                                                 "versions = \">= 6\"\n"
                     BOUND ("one", "expf") BOUND ("two", "abs") BOUND ("three", "sinf"),
             &b);
#undef BOUND
  assert_non_null (strstr (adze_foreign_library_at (b.foreign, 0), "/libm"));
  assert_non_null (strstr (adze_foreign_library_at (b.foreign, 1), "/libc"));
  assert_null (adze_foreign_library_at (b.foreign, 2));
}

/* ---- Kernels. */

static void
equal_signature_is_called_directly (void **state)
{
  (void)state;
  ADZE_AUTO (bound) b = { 0 };
  const adze_kernel *kernel = NULL;
  bind_good (HEAD "[foreign]\n" LIBRARY GEMM ("gemm", "returns = \"void\"\n", EQUAL_ARGUMENTS)
                 GEMM_TESTS,
             &b);
  must (adze_foreign_kernel (b.foreign, "gemm.f32", &kernel));
  assert_true (adze_kernel_direct (kernel));
  must (adze_foreign_self_test (b.foreign));
  expect_words (adze_foreign_kernel (b.foreign, "gemv.f32", &kernel), NULL, "no kernel gemv.f32");
  assert_null (kernel);
}

/* The types alone say nothing: here they are the contract's, and m and n are not. */
static void
other_order_or_a_map_is_not_direct (void **state)
{
  (void)state;
  static const char *const changes[][2] = {
    { "from = \"m\" }, { type = \"int64\", from = \"n\" }",
      "from = \"n\" }, { type = \"int64\", from = \"m\" }" },
    { "from = \"transpose_a\" }", "from = \"transpose_a\", map = { 0 = 0, 1 = 1 } }" },
    { "{ type = \"int64\", from = \"ldc\" }", "{ type = \"uint64\", from = \"ldc\" }" },
  };
  static const char text[] = HEAD "[foreign]\n" LIBRARY GEMM ("nothing", "returns = \"void\"\n",
                                                             EQUAL_ARGUMENTS) GEMM_TESTS;
  for (size_t i = 0; i < ADZE_COUNT_OF (changes); i++) {
    ADZE_AUTO (bound) b = { 0 };
    const adze_kernel *kernel = NULL;
    const char *at = strstr (text, changes[i][0]);
    assert_non_null (at);
    ADZE_AUTO_FREE char *changed = adze_text_format ("%.*s%s%s", (int)(at - text), text,
                                                     changes[i][1], at + strlen (changes[i][0]));
    bind_good (changed, &b);
    must (adze_foreign_kernel (b.foreign, "gemm.f32", &kernel));
    assert_false (adze_kernel_direct (kernel));
  }
}

/* The arguments of the BLAS with number AT replaced by WITH; AT beyond the last changes none. */
static char *
narrow_text (const char *symbol, const char *returns, size_t at, const char *with)
{
  ADZE_AUTO (adze_buffer) arguments = { 0 };
  for (size_t i = 0; i < BLAS_COUNT; i++)
    adze_buffer_format (&arguments, "%s,\n", i == at ? with : blas_arguments[i]);
  char *text = adze_text_format ("%s[[foreign.function]]\ncontract = \"gemm.f32\"\n"
                                 "symbol = \"%s\"\n%sarguments = [%s]\n%s",
                                 HEAD "[foreign]\n" LIBRARY, symbol, returns, arguments.data,
                                 GEMM_TESTS);
  assert_non_null (text);
  return text;
}

static void
expect_untrue (const char *text, const char *words)
{
  ADZE_AUTO (bound) b = { 0 };
  bind_good (text, &b);
  expect_words (adze_foreign_self_test (b.foreign), "self-test", words);
}

#define RETURNS_INT "returns = \"int\"\nsuccess = 0\n"

static int *
narrow_calls (void)
{
  void *handle = dlopen (library, RTLD_NOW);
  assert_non_null (handle);
  int *calls = dlsym (handle, "gemm_narrow_calls");
  assert_non_null (calls);
  return calls;
}

static void
size_beyond_an_int_is_an_error (void **state)
{
  (void)state;
  ADZE_AUTO (bound) b = { 0 };
  ADZE_AUTO_FREE char *text = narrow_text ("gemm_narrow", RETURNS_INT, BLAS_COUNT, NULL);
  const adze_kernel *kernel = NULL;
  bind_good (text, &b);
  must (adze_foreign_kernel (b.foreign, "gemm.f32", &kernel));
  assert_false (adze_kernel_direct (kernel));
  must (adze_foreign_self_test (b.foreign));

  int *calls = narrow_calls ();
  int before = *calls;
  must (gemm_sized (kernel, 0, INT32_MAX, 0, INT32_MAX));
  assert_int_equal (*calls, before + 1);
  adze_error *error = gemm_sized (kernel, INT64_C (1) << 31, 0, 0, 1);
  assert_int_equal (adze_error_status (error), ADZE_E_LIMIT);
  expect_words (error, NULL, "'m' is 2147483648|argument 4 of gemm_narrow, of type int");
  expect_words (gemm_sized (kernel, 0, 0, 0, INT64_C (1) << 32), NULL, "'ldc' is 4294967296");
  expect_words (gemm_sized (kernel, 0, 0, INT64_MIN, 1), NULL, "'k' is -9223372036854775808");
  expect_words (adze_kernel_gemm (kernel, 2, 0, 0, 0, 0, 1, NULL, 1, NULL, 1, 0, NULL, 1), NULL,
                "'transpose_a' is 2, which the map of argument 2 of gemm_narrow lacks");
  assert_int_equal (*calls, before + 1);
}

static void
every_type_has_its_limits (void **state)
{
  (void)state;
  static const struct {
    const char *type;
    int64_t low, high;
  } types[] = {
    { "int8", INT8_MIN, INT8_MAX },    { "uint8", 0, UINT8_MAX },
    { "int16", INT16_MIN, INT16_MAX }, { "uint16", 0, UINT16_MAX },
    { "int32", INT32_MIN, INT32_MAX }, { "uint32", 0, UINT32_MAX },
    { "int64", INT64_MIN, INT64_MAX }, { "uint64", 0, INT64_MAX },
    { "int", INT_MIN, INT_MAX },       { "unsigned int", 0, UINT_MAX },
    { "long", LONG_MIN, LONG_MAX },    { "size_t", 0, INT64_MAX },
  };
  for (size_t i = 0; i < ADZE_COUNT_OF (types); i++) {
    ADZE_AUTO (bound) b = { 0 };
    ADZE_AUTO_FREE char *with
        = adze_text_format ("{ type = \"%s\", from = \"m\" }", types[i].type);
    ADZE_AUTO_FREE char *text = narrow_text ("nothing", "returns = \"void\"\n", 3, with);
    const adze_kernel *kernel = NULL;
    bind_good (text, &b);
    must (adze_foreign_kernel (b.foreign, "gemm.f32", &kernel));
    must (gemm_sized (kernel, types[i].low, 0, 0, 1));
    must (gemm_sized (kernel, types[i].high, 0, 0, 1));
    if (types[i].low > INT64_MIN)
      expect_words (gemm_sized (kernel, types[i].low - 1, 0, 0, 1), NULL, types[i].type);
    if (types[i].high < INT64_MAX)
      expect_words (gemm_sized (kernel, types[i].high + 1, 0, 0, 1), NULL, types[i].type);
  }
}

static void
failure_that_is_returned_is_seen (void **state)
{
  (void)state;
  ADZE_AUTO_FREE char *text
      = narrow_text ("gemm_narrow", RETURNS_INT, 0, "{ type = \"int\", value = 102 }");
  expect_untrue (text, "test 1|a call that succeeds|gemm_narrow returned 1, where 0 means success");
}

/* ---- Numbers by reference, and a status that is one. */

#define FORTRAN(factor) \
  HEAD COMPONENT ("half", "plugin") "[foreign]\n" LIBRARY FUNCTION ( \
      "half", "scale_", \
      "shape = \"buffer\"\n" \
      "element = \"double\"\n" \
      "returns = \"void\"\n" \
      "success = 0\n" \
      "arguments = [{ type = \"int\", by = \"reference\", from = \"count\" }, " \
      "{ type = \"double\", by = \"reference\", value = " factor " }, " \
      "{ type = \"pointer\", from = \"data\" }, { type = \"pointer\", from = \"output\" }, " \
      "{ type = \"int\", by = \"reference\", from = \"status\" }]\n") HALF_TEST

static void
numbers_are_passed_by_reference (void **state)
{
  (void)state;
  ADZE_AUTO (bound) b = { 0 };
  bind_good (FORTRAN ("0.5"), &b);
  must (adze_foreign_self_test (b.foreign));
  expect_untrue (FORTRAN ("-1"), "scale_ left the status -2, where 0 means success");
  expect_untrue (FORTRAN ("-2"), "scale_ left the status 1, where 0 means success");
}

/* ---- Kernels. */

#define KERNEL(contract, symbol, returns, arguments) \
  "[[foreign.function]]\n" \
  "contract = \"" contract "\"\n" \
  "symbol = \"" symbol "\"\n" \
  "returns = \"" returns "\"\n" \
  "arguments = [" arguments "]\n"

#define N "{ type = \"int64\", from = \"n\" }, "
#define VECTORS \
  "{ type = \"pointer\", from = \"x\" }, { type = \"int64\", from = \"incx\" }, " \
  "{ type = \"pointer\", from = \"y\" }, { type = \"int64\", from = \"incy\" }"

#define DOT KERNEL ("dot.f32", "dot", "float", N VECTORS)
#define DOT_TEST \
  "[[foreign.test]]\ncontract = \"dot.f32\"\nn = 5\nincx = 3\nincy = 2\ntolerance = 1e-6\n"
#define AXPY(symbol) \
  KERNEL ("axpy.f64", symbol, "void", N "{ type = \"double\", from = \"alpha\" }, " VECTORS)
#define AXPY_TEST \
  "[[foreign.test]]\ncontract = \"axpy.f64\"\nn = 5\nincx = 2\nincy = 3\nalpha = 0.1\n" \
  "tolerance = 1e-14\n"

static void
kernels_of_vectors_are_called_directly (void **state)
{
  (void)state;
  ADZE_AUTO (bound) b = { 0 };
  const adze_kernel *dot = NULL, *axpy = NULL;
  const float x[] = { 1, 9, 2, 9, 3 }, y[] = { 4, 5, 6 };
  const double twice[] = { 1, 9, 2 };
  double sum = 0, into[] = { 10, 20 };
  bind_good (HEAD "[foreign]\n" LIBRARY DOT AXPY ("axpy") DOT_TEST AXPY_TEST, &b);
  must (adze_foreign_self_test (b.foreign));
  must (adze_foreign_kernel (b.foreign, "dot.f32", &dot));
  must (adze_foreign_kernel (b.foreign, "axpy.f64", &axpy));
  assert_true (adze_kernel_direct (dot));
  assert_true (adze_kernel_direct (axpy));
  must (adze_kernel_dot (dot, 3, x, 2, y, 1, &sum));
  assert_true (sum == 32);
  must (adze_kernel_axpy (axpy, 2, .5, twice, 2, into, 1));
  assert_true (into[0] == 10.5 && into[1] == 21);
  /* The steps are no ornament. */
  expect_untrue (HEAD "[foreign]\n" LIBRARY AXPY ("axpy_dense") AXPY_TEST, "axpy.f64|y[1, 0] = ");
}

/* ---- What vectors show. */

static void
wrong_result_is_named (void **state)
{
  (void)state;
  expect_untrue (HEAD COMPONENT ("half", "parallel") "[foreign]\n" LIBRARY HALF HALF_TEST TEST (
                     "half", "input = [8, 2, 6]\nexpected = [4, 1, 2]\ntolerance = 1e-3\n"),
                 "test 2 (line |of 'half'|output[2] of input[2] = 6.0 = 2.0 (tolerance 0.001)|"
                 "found 3.0|"
                 "compare the arguments of half");
  ADZE_AUTO_FREE char *text = narrow_text (
      "gemm_narrow", RETURNS_INT, 1,
      "{ type = \"int\", from = \"transpose_a\", map = { 0 = 112, 1 = 111 } }");
  expect_untrue (text, "test 1 (line |of 'gemm.f32'|C[0, 0] = ");
}

static void
writing_beside_the_result_is_seen (void **state)
{
  (void)state;
  expect_untrue (HEAD "[foreign]\n" LIBRARY GEMM ("gemm_padding", "returns = \"void\"\n",
                                                  EQUAL_ARGUMENTS) GEMM_TESTS,
                 "padding of C left as it was");
  expect_untrue (HEAD "[foreign]\n" LIBRARY GEMM ("gemm_reading", "returns = \"void\"\n",
                                                  EQUAL_ARGUMENTS) GEMM_TESTS,
                 "test 2|found nan");
#define BUFFER(symbol) \
  HEAD COMPONENT ("half", "parallel") "[foreign]\n" LIBRARY FUNCTION ( \
      "half", symbol, \
      "shape = \"buffer\"\n" \
      "element = \"float\"\n" \
      "returns = \"void\"\n" \
      "arguments = [{ type = \"pointer\", from = \"data\" }, " \
      "{ type = \"pointer\", from = \"output\" }, { type = \"size_t\", from = \"count\" }]\n") \
      HALF_TEST
  expect_untrue (BUFFER ("overrun"), "something written beyond it");
  expect_untrue (BUFFER ("spoil"), "an input that changed");
}

int
main (void)
{
  const struct CMUnitTest tests[] = {
    cmocka_unit_test (library_that_is_missing_is_refused),
    cmocka_unit_test (version_outside_the_range_is_refused),
    cmocka_unit_test (version_is_read_from_the_files_name),
    cmocka_unit_test (symbol_that_is_missing_is_refused),
    cmocka_unit_test (next_library_is_tried_when_one_lacks_a_symbol),
    cmocka_unit_test (identity_is_that_of_the_file_with_the_code),
    cmocka_unit_test (every_file_with_code_is_known),
    cmocka_unit_test (equal_signature_is_called_directly),
    cmocka_unit_test (other_order_or_a_map_is_not_direct),
    cmocka_unit_test (size_beyond_an_int_is_an_error),
    cmocka_unit_test (every_type_has_its_limits),
    cmocka_unit_test (failure_that_is_returned_is_seen),
    cmocka_unit_test (numbers_are_passed_by_reference),
    cmocka_unit_test (kernels_of_vectors_are_called_directly),
    cmocka_unit_test (wrong_result_is_named),
    cmocka_unit_test (writing_beside_the_result_is_seen),
  };
  return cmocka_run_group_tests_name ("foreign", tests, find_library, forget_library);
}
