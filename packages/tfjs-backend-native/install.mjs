console.log('addon: not built');
