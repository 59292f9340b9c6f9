// @grpc/grpc-js against the whole mesh: catalog.mjs HOST:PORT PRODUCT-ID
import assert from 'node:assert/strict';
import grpc from '@grpc/grpc-js';
import { call, clientOf } from './contracts.mjs';

const [address, productId] = process.argv.slice(2);
const catalog = await clientOf(address, grpc.credentials.createInsecure(), 'souk.catalog.v1.CatalogService');
const product = await call(catalog, 'GetProduct', { product_id: productId });
assert.equal(product.product_id, productId);
const unknown = await call(catalog, 'GetProduct', { product_id: `prod_${'0'.repeat(32)}` }).catch(e => e);
assert.equal(unknown.code, grpc.status.NOT_FOUND);
catalog.close();
console.log(JSON.stringify(product));
