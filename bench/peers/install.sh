#!/usr/bin/env bash
# Installs the peers of the bench from npm and PyPI: tfjs-node in DIR, PyTorch, JAX and NumPy in DIR/python.
#   bench/peers/install.sh DIR        about 3 GB; needs node with its headers, g++, unzip, nm and python3 with venv
# tfjs-node's own install script downloads a library from a server that is often closed off. The same C library lies in the wheel of
# tensorflow-cpu, so it is taken from there, and the package's binding is compiled here. 2.9.1 is the version tfjs-node 4.22.0 is made for.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,5s/^# //p' "$0"; exit 2; }
mkdir -p "$1"
cd "$1"
python3 -m venv python
python/bin/pip install --quiet numpy threadpoolctl torch jax

[ -f package.json ] || echo '{ "name": "easel-bench-peers", "private": true }' > package.json
npm install --ignore-scripts --no-audit --no-fund @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-node@4.22.0
package=node_modules/@tensorflow/tfjs-node
library=$package/deps/lib
mkdir -p wheel "$library" "$package/deps/include" "$package/lib/napi-v8"
python/bin/pip download --quiet --no-deps --only-binary=:all: --platform manylinux2014_x86_64 --python-version 310 \
  --dest wheel tensorflow-cpu==2.9.1
unzip -qo wheel/tensorflow_cpu-2.9.1-*.whl -d wheel/open 'tensorflow/libtensorflow_framework.so.2' \
  'tensorflow/python/_pywrap_tensorflow_internal.so' 'tensorflow/include/tensorflow/c/*' \
  'tensorflow/include/tensorflow/core/platform/*'
mv wheel/open/tensorflow/libtensorflow_framework.so.2 wheel/open/tensorflow/python/_pywrap_tensorflow_internal.so "$library"
cp -r wheel/open/tensorflow/include/tensorflow "$package/deps/include/"
rm -rf wheel

# The wheel's library expects Python's symbols. Nothing of the C interface calls Python, so empty
# symbols suffice.
internal=$library/_pywrap_tensorflow_internal.so
nm --dynamic --undefined-only "$internal" | awk '{ sub(/@.*/, "", $2); print $2 }' | grep -E '^_?Py[A-Z_]' | sort -u |
  awk '/^PyExc_/ { print "void *" $0 ";"; next }
       /_Type$|^_Py_.*Struct$|^_Py_EllipsisObject$/ { print "_Alignas(16) char " $0 "[1024];"; next }
       { print "void " $0 "(void) { __builtin_trap(); }" }' > python-symbols.c
gcc -w -shared -fPIC -o "$library/libpythonsymbols.so" python-symbols.c
rm python-symbols.c

headers=${NODE_INCLUDE:-$(node -p "require('path').resolve(process.execPath, '../../include/node')")}
g++ -O2 -std=c++17 -w -shared -fPIC -DNAPI_VERSION=8 -DBUILDING_NODE_EXTENSION -I"$headers" -I"$package/deps/include" -I"$package" \
  "$package"/binding/tfjs_backend.cc "$package"/binding/tfjs_binding.cc -o "$package/lib/napi-v8/tfjs_binding.node" \
  -L"$library" -Wl,--no-as-needed -lpythonsymbols -l:_pywrap_tensorflow_internal.so -l:libtensorflow_framework.so.2 \
  -Wl,--allow-shlib-undefined -Wl,-rpath,'$ORIGIN/../../deps/lib'

TF_CPP_MIN_LOG_LEVEL=2 node -e "
  const tf = require('@tensorflow/tfjs-node');
  if (tf.matMul([[1, 2]], [[3], [4]]).dataSync()[0] !== 11) throw new Error('tfjs-node computes wrongly');
  console.log('tfjs-node', require('@tensorflow/tfjs-node/package.json').version, 'on TensorFlow', tf.backend().binding.TF_Version);"
python/bin/python -c 'import jax, numpy, torch; print("torch", torch.__version__, "jax", jax.__version__, "numpy", numpy.__version__)'
echo "npm run bench -- --python $PWD/python/bin/python --tfjs-node $PWD"
