// A CUDA device for torch's CPU build.  Its memory is the CPU's and its kernels are the CPU's; everything else is as on a
// card: tensors know where they are, tensors of two devices do not mix, its generator is another one than the CPU's.
//
// A call of an operator on tensors of the device goes through `call`: each tensor is seen, for as long as the call lasts,
// as a tensor of the CPU with the same memory, the CPU's kernel is run, and what it returns is seen as the device's again.

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/resize_native.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/core/impl/alloc_cpu.h>
#include <torch/library.h>

#include <mutex>
#include <set>

#include "hostile.h"

namespace emulated {
using namespace at;

const Device GPU(kCUDA, 0), HOST(kCPU);

// ── memory ──────────────────────────────────────────────────────────────────────────────────────

struct DeviceMemory final : Allocator {
  DataPtr allocate(size_t bytes) override {
    void* p = c10::alloc_cpu(bytes);
    return {p, p, &c10::free_cpu, GPU};
  }
  DeleterFnPtr raw_deleter() const override { return &c10::free_cpu; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }
};

// The host's memory that is pinned: the same as any other, and remembered.
struct PinnedMemory final : Allocator {
  static inline std::set<const void*> pinned;
  static inline std::mutex mutex;

  DataPtr allocate(size_t bytes) override {
    void* p = c10::alloc_cpu(bytes);
    std::lock_guard lock(mutex);
    pinned.insert(p);
    return {p, p, &release, HOST};
  }
  static void release(void* p) {
    {
      std::lock_guard lock(mutex);
      pinned.erase(p);
    }
    c10::free_cpu(p);
  }
  static bool holds(const void* p) {
    std::lock_guard lock(mutex);
    return pinned.count(p);
  }
  DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }
};

DeviceMemory device_memory;
PinnedMemory pinned_memory;

// ── the generator: a seed and how many kernels have drawn, in 16 bytes, as Philox's ─────────────────

struct DeviceGenerator final : c10::GeneratorImpl {
  uint64_t seed_, drawn = 0;

  explicit DeviceGenerator(uint64_t seed = default_rng_seed_val)
      : GeneratorImpl(GPU, DispatchKeySet(DispatchKey::CUDA)), seed_(seed) {}

  // What the next kernel draws from: a stream of its own, none of which is the CPU's of the same seed.
  Generator next() { return at::detail::createCPUGenerator((seed_ + 1) * 0x9E3779B97F4A7C15 + ++drawn); }

  void set_current_seed(uint64_t seed) override { seed_ = seed, drawn = 0; }
  uint64_t current_seed() const override { return seed_; }
  void set_offset(uint64_t offset) override { drawn = offset; }
  uint64_t get_offset() const override { return drawn; }
  uint64_t seed() override {
    set_current_seed(c10::detail::getNonDeterministicRandom(true));
    return seed_;
  }
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override {
    Tensor state = at::detail::empty_cpu({16}, kByte);
    std::memcpy(state.mutable_data_ptr(), &seed_, 8);
    std::memcpy(state.mutable_data_ptr<uint8_t>() + 8, &drawn, 8);
    return state.getIntrusivePtr();
  }
  void set_state(const c10::TensorImpl& state) override {
    TORCH_CHECK(state.numel() == 16, "RNG state is wrong size");
    std::memcpy(&seed_, state.data(), 8);
    std::memcpy(&drawn, static_cast<const uint8_t*>(state.data()) + 8, 8);
  }
  DeviceGenerator* clone_impl() const override { return new DeviceGenerator(*this); }
  DeviceGenerator(const DeviceGenerator& other) : DeviceGenerator(other.seed_) { drawn = other.drawn; }
};

Generator& default_generator() {
  static Generator one = make_generator<DeviceGenerator>();
  return one;
}

Generator next_of(const Generator& g) {
  TORCH_CHECK(g.device() == GPU, "Expected a 'cuda' device type for generator but found '", g.device().type(), "'");
  return static_cast<DeviceGenerator*>(g.unsafeGetGeneratorImpl())->next();
}

// ── what torch asks of a device: there is one, and it has always finished ───────────────────────────

struct Hooks final : CUDAHooksInterface {
  Hooks(CUDAHooksArgs = {}) {}
  void init() const override {}
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasCUDA() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  int getNumGPUs() const override { return 1; }
  DeviceIndex deviceCount() const override { return 1; }
  DeviceIndex current_device() const override { return 0; }
  DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(DeviceIndex) const override {}
  DeviceIndex exchangeDevice(DeviceIndex) const override { return 0; }
  DeviceIndex maybeExchangeDevice(DeviceIndex) const override { return 0; }
  Device getDeviceFromPtr(void*) const override { return GPU; }
  bool isPinnedPtr(const void* p) const override { return PinnedMemory::holds(p); }
  Allocator* getPinnedMemoryAllocator() const override { return &pinned_memory; }
  Allocator* getCUDADeviceAllocator() const override { return &device_memory; }
  const Generator& getDefaultGenerator(DeviceIndex) const override { return default_generator(); }
  Generator getNewGenerator(DeviceIndex) const override { return make_generator<DeviceGenerator>(); }
  void deviceSynchronize(DeviceIndex) const override {}
};

struct Guard final : c10::impl::DeviceGuardImplInterface {
  DeviceType type() const override { return kCUDA; }
  Device exchangeDevice(Device) const override { return GPU; }
  Device getDevice() const override { return GPU; }
  void setDevice(Device) const override {}
  void uncheckedSetDevice(Device) const noexcept override {}
  Stream getStream(Device) const override { return Stream(Stream::DEFAULT, GPU); }
  Stream getDefaultStream(Device) const override { return Stream(Stream::DEFAULT, GPU); }
  Stream exchangeStream(Stream stream) const override { return stream; }
  DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void**, const Stream&, const DeviceIndex, const c10::EventFlag) const override {}
  void block(void*, const Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  bool queryStream(const Stream&) const override { return true; }
  void synchronizeStream(const Stream&) const override {}
  void synchronizeDevice(const DeviceIndex) const override {}
};
c10::impl::DeviceGuardImplRegistrar guard(kCUDA, new Guard());

// ── one memory, seen from the other side ────────────────────────────────────────────────────────────

Tensor seen_from(const Tensor& t, Device side) {
  auto keeper = new Storage(t.storage());
  DataPtr data(keeper->mutable_data(), keeper, [](void* k) { delete static_cast<Storage*>(k); }, side);
  Allocator* memory = side == GPU ? static_cast<Allocator*>(&device_memory) : c10::GetCPUAllocator();
  Storage same(Storage::use_byte_size_t(), keeper->nbytes(), std::move(data), memory, /*resizable=*/true);
  auto key = side == GPU ? DispatchKey::CUDA : DispatchKey::CPU;
  Tensor seen = at::detail::make_tensor<c10::TensorImpl>(std::move(same), DispatchKeySet(key), t.dtype());
  seen.unsafeGetTensorImpl()->set_storage_offset(t.storage_offset());
  seen.unsafeGetTensorImpl()->set_sizes_and_strides(t.sizes(), t.strides());
  return seen;
}

Tensor on_host(const Tensor& t) { return t.is_cuda() ? seen_from(t, HOST) : t; }

template <class F>
void for_tensors(c10::IValue& value, F change) {
  if (value.isTensor()) {
    value = change(value.toTensor());
  } else if (value.isTensorList()) {
    c10::List<Tensor> changed;
    for (const auto& t : value.toTensorVector()) changed.push_back(change(t));
    value = changed;
  } else if (value.isOptionalTensorList()) {
    c10::List<std::optional<Tensor>> changed;
    for (const auto& t : value.toOptionalTensorVector()) changed.push_back(t ? std::optional(change(*t)) : t);
    value = changed;
  }
}

std::set<std::string> unchecked;  // operators that check devices themselves, and take a number from the CPU
std::set<std::string> alerting;   // operators without a deterministic kernel on a card

struct Call {
  struct Seen {
    Tensor device, host;
    const void* data;
  };
  std::string name;
  std::vector<Seen> seen;

  Tensor to_host(const Tensor& t, const std::string& argument) {
    if (!t.defined()) return t;
    if (!t.is_cuda()) {
      check(t, argument);
      return t;
    }
    for (auto& s : seen)
      if (s.device.is_same(t)) return s.host;
    Tensor host = seen_from(t, HOST);
    if (t.is_conj()) host._set_conj(true);
    seen.push_back({t, host, host.storage().data()});
    return host;
  }

  // Which tensors of the CPU may meet the device's: a number where the kernel reads one, and indices.
  void check(const Tensor& t, const std::string& argument) {
    bool number = t.unsafeGetTensorImpl()->is_wrapped_number() || (t.dim() == 0 && unchecked.count(name));
    bool index = name.find("index") != std::string::npos && argument == "indices";
    TORCH_CHECK(number || index, "Expected all tensors to be on the same device, but found at least two devices, ",
                "cuda:0 and cpu! (when checking argument for argument ", argument, " in method wrapper_CUDA_", name, ")");
  }

  // A kernel may have given what it was to write into another size, and memory for it.
  void settle() {
    for (auto& s : seen) {
      const auto& from = s.host.storage();
      if (from.data() == s.data && s.host.sizes() == s.device.sizes()) continue;
      at::native::resize_(s.device, s.host.sizes(), std::nullopt);
      s.device.unsafeGetTensorImpl()->set_sizes_and_strides(s.host.sizes(), s.host.strides());
      auto to = s.device.storage();
      std::memcpy(to.mutable_data(), from.data(), std::min(to.nbytes(), from.nbytes()));
    }
  }

  Tensor to_device(const Tensor& t) {
    if (!t.defined() || t.is_cuda()) return t;
    for (auto& s : seen)
      if (s.host.is_same(t)) return s.device;
    for (auto& s : seen)  // a view of an argument
      if (s.host.storage().is_alias_of(t.storage()) && s.host.scalar_type() == t.scalar_type())
        return at::native::as_strided_tensorimpl(s.device, t.sizes(), t.strides(), t.storage_offset());
    return seen_from(t, GPU);
  }
};

bool is_unreduced_loss(const c10::FunctionSchema& schema, const torch::jit::Stack* stack, size_t first) {
  auto i = schema.argumentIndexWithName("reduction");
  return i && (*stack)[first + *i].toInt() == at::Reduction::None;
}

void call(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto& schema = op.schema();
  Call call{toString(op.operator_name()), {}};
  size_t first = stack->size() - schema.arguments().size();
  if (alerting.count(call.name) && !is_unreduced_loss(schema, stack, first))
    at::globalContext().alertNotDeterministic(call.name.substr(6) + "_cuda");
  for (size_t i = 0; i < schema.arguments().size(); i++) {
    auto& value = (*stack)[first + i];
    const auto& argument = schema.arguments()[i];
    for_tensors(value, [&](const Tensor& t) { return call.to_host(t, argument.name()); });
    if (value.isGenerator()) value = next_of(value.toGenerator());
    else if (value.isNone() && argument.type()->str().find("Generator") != std::string::npos) value = next_of(default_generator());
    else if (value.isDevice()) value = HOST;
  }
  hostile::run(op, stack);
  call.settle();
  for (size_t i = stack->size() - schema.returns().size(); i < stack->size(); i++)
    for_tensors((*stack)[i], [&](const Tensor& t) { return call.to_device(t); });
}

// ── operators that are about memory and not about numbers ───────────────────────────────────────────

// What is nowhere written reads as NaN where torch is asked for determinism, as on a card.
Tensor unwritten(Tensor t) {
  auto& context = at::globalContext();
  if (context.deterministicAlgorithms() && context.deterministicFillUninitializedMemory())
    std::memset(t.storage().mutable_data(), 0xff, t.storage().nbytes());
  return t;
}
Tensor empty(IntArrayRef size, std::optional<ScalarType> dtype, std::optional<Layout>, std::optional<Device>,
             std::optional<bool> pinned, std::optional<MemoryFormat> format) {
  TORCH_CHECK(!pinned.value_or(false), "Only dense CPU tensors can be pinned");
  DispatchKeySet key(DispatchKey::CUDA);
  return unwritten(at::detail::empty_generic(size, &device_memory, key, c10::dtype_or_default(dtype), format));
}
Tensor empty_strided(IntArrayRef size, IntArrayRef stride, std::optional<ScalarType> dtype, std::optional<Layout>,
                     std::optional<Device>, std::optional<bool>) {
  DispatchKeySet key(DispatchKey::CUDA);
  auto kind = c10::dtype_or_default(dtype);
  return unwritten(at::detail::empty_strided_generic(size, stride, &device_memory, key, kind));
}
Tensor& copy_(Tensor& to, const Tensor& from, bool) {
  on_host(to).copy_(on_host(from));
  return to;
}
Tensor copy_from(const Tensor& from, const Tensor& to, bool) {
  on_host(to).copy_(on_host(from));
  return to;
}
Tensor& set_part(Tensor& t, Storage s, int64_t offset, IntArrayRef size, IntArrayRef stride) {
  return at::native::set_storage_cpu_(t, s, offset, size, stride);
}
Tensor& set_whole(Tensor& t, Storage s) {
  int64_t n = s.nbytes() / t.dtype().itemsize();
  return at::native::set_storage_cpu_(t, s, 0, {n}, {});
}

TORCH_LIBRARY_IMPL(_, CUDA, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&call>()); }

TORCH_LIBRARY_IMPL(aten, CUDA, m) {
  m.impl("empty.memory_format", empty);
  m.impl("empty_strided", empty_strided);
  m.impl("copy_", copy_);
  m.impl("_copy_from", copy_from);
  m.impl("set_.source_Storage_storage_offset", set_part);
  m.impl("set_.source_Storage", set_whole);
  m.impl("set_.source_Tensor", at::native::set_tensor_);
  m.impl("as_strided", at::native::as_strided_tensorimpl);
  m.impl("view", at::native::view);
  m.impl("_reshape_alias", at::native::_reshape_alias);
  m.impl("resize_", at::native::resize_);
  for (auto name : {"mse_loss", "smooth_l1_loss"})  // whose general form makes an empty tensor for the CPU's to resize
    m.impl(name, torch::CppFunction::makeFromBoxedFunction<&call>());
}

TORCH_LIBRARY(emulated, m) {
  m.def("open", [](std::vector<std::string> names, std::vector<std::string> alerts, std::vector<std::string> ways) {
    c10::SetAllocator(kCUDA, &device_memory);
    unchecked = {names.begin(), names.end()};
    alerting = {alerts.begin(), alerts.end()};
    hostile::ways = {ways.begin(), ways.end()};
  });
  m.def("seed", [](int64_t seed) { default_generator().set_current_seed(seed); });
  m.def("initial_seed", []() { return static_cast<int64_t>(default_generator().current_seed()); });
  m.def("get_state", []() { return Tensor(default_generator().unsafeGetGeneratorImpl()->get_state()); });
  m.def("set_state", [](Tensor state) { default_generator().set_state(state); });
}

}  // namespace emulated

namespace at {
using emulated::Hooks;
C10_REGISTER_CLASS(CUDAHooksRegistry, CUDAHooks, Hooks)
}  // namespace at
