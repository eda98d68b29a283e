// Another card that is right: the ways in which a kernel of CUDA's may round otherwise than the CPU's, each by its name.
//
//   order       sums run backwards
//   wide        a float32 kernel computes in float64 and rounds what it returns
//   ulps        library functions are off by as much as NVIDIA says
//   reciprocal  a division by a number is a product with its reciprocal, which is rounded
//
// Source  CUDA C++ Programming Guide, Mathematical Functions, for the errors; ATen/native/cuda/BinaryDivTrueKernel.cu.

#pragma once
#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <cmath>
#include <map>
#include <set>

namespace hostile {
using namespace at;
using Stack = torch::jit::Stack;

inline std::set<std::string> ways;

struct Frame {  // one call: its operator, and its arguments, which are the CPU's
  const c10::OperatorHandle& op;
  Stack* stack;
  std::string name = toString(op.operator_name());
  size_t count = op.schema().arguments().size(), first = stack->size() - count;

  c10::IValue& operator[](size_t i) const { return (*stack)[first + i]; }
  const c10::Argument& argument(size_t i) const { return op.schema().arguments()[i]; }
  void proceed() const { op.redispatchBoxed(DispatchKeySet(DispatchKey::CPU), stack); }
  bool writes(size_t i) const { return argument(i).alias_info() && argument(i).alias_info()->isWrite(); }
};

// ── order ──

inline const std::map<std::string, std::array<std::pair<int, int>, 2>> SUMMED = {  // argument, dimension
    {"aten::mm.out", {{{0, 1}, {1, 0}}}},    {"aten::addmm.out", {{{1, 1}, {2, 0}}}},
    {"aten::bmm.out", {{{0, 2}, {1, 1}}}},   {"aten::baddbmm.out", {{{1, 2}, {2, 1}}}},
    {"aten::dot", {{{0, 0}, {1, 0}}}},       {"aten::addmv.out", {{{1, 1}, {2, 0}}}},
};

inline void backwards(const Frame& f) {
  auto product = SUMMED.find(f.name);
  if (product != SUMMED.end())
    for (auto [i, dim] : product->second) f[i] = f[i].toTensor().flip(dim);
  if (f.name != "aten::sum.IntList_out" && f.name != "aten::mean.out") return;
  Tensor x = f[0].toTensor();
  std::vector<int64_t> dims;
  if (!f[1].isNone()) dims = f[1].toIntVector();
  if (dims.empty())
    for (int64_t d = 0; d < x.dim(); d++) dims.push_back(d);
  if (x.dim()) f[0] = x.flip(dims);
}

// ── reciprocal ──

inline bool divides_by_a_number(const Frame& f) {
  if (f.name != "aten::div.out" || !f[1].isTensor()) return false;
  return f[1].toTensor().dim() == 0 && isFloatingType(f[2].toTensor().scalar_type());
}

inline void multiply_by_the_reciprocal(const Frame& f) {
  Tensor x = f[0].toTensor(), out = f[2].toTensor();
  Tensor divisor = f[1].toTensor().to(out.scalar_type()).clone();
  divisor.unsafeGetTensorImpl()->set_wrapped_number(false);
  at::mul_out(out, x, divisor.reciprocal());
  f.stack->resize(f.first);
  f.stack->push_back(out);
}

// ── wide ──

inline bool can_be_wide(const Frame& f) {
  bool any = false;
  if (f.name.find("batch_norm") != std::string::npos) return false;  // its schema does not tell that it writes
  for (const auto& r : f.op.schema().returns())
    if (r.type()->kind() != c10::TypeKind::TensorType || (r.alias_info() && !r.alias_info()->isWrite())) return false;
  for (size_t i = 0; i < f.count; i++) {
    if (f[i].isGenerator() || f[i].isTensorList() || f[i].isOptionalTensorList()) return false;
    if (f.argument(i).type()->str().find("ScalarType") != std::string::npos && !f[i].isNone()) return false;
    if (!f[i].isTensor() || !f[i].toTensor().defined()) continue;
    auto kind = f[i].toTensor().scalar_type();
    if (kind != kFloat && kind != kLong && kind != kBool) return false;
    if (kind == kBool && f.writes(i)) return false;  // a comparison, for which a number is rounded first
    any |= kind == kFloat;
  }
  return any;
}

inline void widely(const Frame& f) {
  std::vector<std::pair<Tensor, Tensor>> written;  // a float32 tensor, and what stands for it
  for (size_t i = 0; i < f.count; i++) {
    if (!f[i].isTensor() || !f[i].toTensor().defined() || f[i].toTensor().scalar_type() != kFloat) continue;
    Tensor narrow = f[i].toTensor(), wide = narrow.to(kDouble);
    if (f.writes(i)) written.emplace_back(narrow, wide);
    f[i] = wide;
  }
  f.proceed();
  for (auto& [narrow, wide] : written) {
    if (narrow.sizes() != wide.sizes()) narrow.resize_(wide.sizes());
    narrow.copy_(wide);
  }
  for (size_t i = f.first; i < f.stack->size(); i++) {
    auto& result = (*f.stack)[i];
    if (!result.toTensor().defined() || result.toTensor().scalar_type() != kDouble) continue;
    Tensor t = result.toTensor(), rounded;
    for (auto& [narrow, wide] : written)
      if (wide.is_same(t)) rounded = narrow;
    result = rounded.defined() ? rounded : t.to(kFloat);
  }
}

// ── ulps ──

struct Off {
  int float32, float64;
};
inline const std::map<std::string, Off> ULPS = {  // one less than NVIDIA says, by which the CPU's own may be off
    {"aten::exp.out", {1, 1}},    {"aten::log.out", {1, 1}}, {"aten::log1p.out", {1, 1}},   {"aten::log2.out", {1, 1}},
    {"aten::tanh.out", {1, 1}},   {"aten::erf.out", {1, 1}}, {"aten::sigmoid.out", {2, 2}}, {"aten::cos.out", {1, 1}},
    {"aten::expm1.out", {1, 1}},  {"aten::exp2.out", {1, 1}}, {"aten::rsqrt.out", {1, 0}},
    {"aten::pow.Tensor_Scalar_out", {3, 1}}, {"aten::pow.Tensor_Tensor_out", {3, 1}}, {"aten::pow.Scalar_out", {3, 1}},
};

// pow with one of these exponents is a product, a root or a division, on a card as on the CPU.
inline bool is_no_library_function(const Frame& f) {
  if (f.name != "aten::pow.Tensor_Scalar_out") return false;
  static const std::set<double> plain = {0, 0.5, 1, 2, 3, -0.5, -1, -2};
  return plain.count(f[1].toScalar().toDouble());
}

template <class T>
void nudge(const Tensor& t, int ulps) {
  Tensor flat = t.contiguous();
  T* x = flat.mutable_data_ptr<T>();
  for (int64_t i = 0; i < flat.numel(); i++) {
    if (!std::isfinite(x[i]) || x[i] == 0) continue;
    uint64_t hash = (i + 1) * 0x9E3779B97F4A7C15;
    int off = (hash ^ hash >> 29) % (2 * ulps + 1) - ulps;
    T towards = off > 0 ? INFINITY : -INFINITY;
    for (int k = std::abs(off); k; k--) x[i] = std::nextafter(x[i], towards);
  }
  if (!flat.is_same(t)) t.copy_(flat);
}

// ── all of them ──

inline void run(const c10::OperatorHandle& op, Stack* stack) {
  Frame f{op, stack};
  if (ways.empty()) return f.proceed();
  if (ways.count("order")) backwards(f);
  if (ways.count("reciprocal") && divides_by_a_number(f)) return multiply_by_the_reciprocal(f);
  auto off = ways.count("ulps") && !is_no_library_function(f) ? ULPS.find(f.name) : ULPS.end();
  ways.count("wide") && can_be_wide(f) ? widely(f) : f.proceed();
  if (off == ULPS.end()) return;
  Tensor result = stack->back().toTensor();
  if (result.scalar_type() == kFloat) nudge<float>(result, off->second.float32);
  if (result.scalar_type() == kDouble) nudge<double>(result, off->second.float64);
}

}  // namespace hostile
