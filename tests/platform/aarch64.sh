#!/bin/sh
# aarch64.sh FOLDER: an Arm Python in FOLDER, with the last torch that has a CPU build for it, run by qemu-user.
# Then, in the project:  FOLDER/python -m pytest -n0 --report report CHAPTERS -k "not optim. and not data. ..."
# for the chapters and families of tests/platform/runs.py, and  python -m tests.platform aarch64=report/results.json
# What starts processes by sys.executable does not run there, and torch 2.9 is outside the declared range.
# Without SVE, as Apple's processors are: with it NumPy 2.4's OpenBLAS makes NaN of finite float32 matrices that are
# strided or transposed (its kernel multiplies what stood in memory before by 0).
set -eu
mkdir -p "$1/debs" "$1/packages"
cd "$1"
folder=$PWD

apt-get install -qq -y qemu-user-static
dpkg --add-architecture arm64
apt-get update -qq
system="python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libc6 libstdc++6 libgcc-s1 libgomp1 zlib1g libffi8 libssl3"
system="$system libexpat1 libbz2-1.0 liblzma5 libsqlite3-0 libuuid1 libcrypt1 libncursesw6 libtinfo6 libreadline8"
(cd debs && for package in $system; do apt-get download -qq "$package:arm64"; done)
for package in debs/*.deb; do dpkg -x "$package" .; done

# pip resolves for the machine it runs on, so what these packages need is named here
python3 -m pip install --quiet --target packages --no-deps --only-binary=:all: \
  --python-version 3.11 --implementation cp \
  --platform manylinux_2_28_aarch64 --platform manylinux_2_17_aarch64 --platform manylinux2014_aarch64 \
  torch==2.9.1 sympy mpmath networkx jinja2 markupsafe filelock fsspec typing_extensions \
  numpy scikit-learn scipy joblib threadpoolctl \
  pytest pluggy iniconfig packaging pygments pytest-xdist execnet pytest-benchmark py-cpuinfo hypothesis sortedcontainers

cat > python <<END
#!/bin/sh
export PYTHONPATH=$folder/packages QEMU_CPU=max,sve=off
exec qemu-aarch64-static -L $folder $folder/usr/bin/python3.11 "\$@"
END
chmod +x python
./python -c 'import platform, torch; print(platform.machine(), torch.__version__)'
